import { MoonOutlined, SettingOutlined, SunOutlined } from '@ant-design/icons'
import { Alert, App as AntdApp, Button, ConfigProvider, theme as antdTheme, type ThemeConfig } from 'antd'
import { Suspense, useCallback, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react'
import { Provider } from 'urql'
import { Link, Redirect, Route, Switch, useLocation } from 'wouter'
import { ENDPOINT } from './api/graphql.ts'
import { authorization, forgetToken, keepToken, SignInContext } from './api/session.ts'
import { latestVersion, watchVersion } from './api/version.ts'
import { LazyDialogs, preloadDialogs } from './dialogs/dialogs.tsx'
import icon from './icon.svg'
import { createApi } from './live/client.ts'
import { LiveContext, LivePill, OfflineBanner, TransitionAnnouncer } from './live/following.tsx'
import { BrowserNotifications, NotificationSwitch } from './live/notices.tsx'
import { OwnVerifications } from './live/own-verifications.tsx'
import { HOME, PATHS, pathAt, type Path } from './paths.ts'
import { SettingsProvider, useSettings, useWords, type Theme } from './settings.tsx'
import { Announcer } from './widgets/announcer.tsx'
import { lazyPart, preloadWhenIdle } from './widgets/lazy.tsx'
import { dismissAll, Notices } from './widgets/notices.tsx'
import { Page } from './widgets/page.tsx'
import { Nothing } from './widgets/state.tsx'
import { SignedIn, ViewerProvider } from './widgets/viewer.tsx'

const part = lazyPart<{ id: string }>
const PAGES = {
  '/overview': part(async () => (await import('./pages/overview.tsx')).Overview),
  '/disks': part(async () => (await import('./pages/disk-list.tsx')).DiskList),
  '/disks/:id': part(async () => (await import('./pages/disk-details.tsx')).DiskDetails),
  '/snapshots': part(async () => (await import('./pages/snapshot-list.tsx')).SnapshotList),
  '/policies': part(async () => (await import('./pages/policy-list.tsx')).PolicyList),
  '/policies/:id': part(async () => (await import('./pages/policy-details.tsx')).PolicyDetails),
  '/connections': part(async () => (await import('./pages/connection-list.tsx')).ConnectionList),
  '/connections/:id': part(async () => (await import('./pages/connection-details.tsx')).ConnectionDetails),
  '/activity': part(async () => (await import('./pages/activity-list.tsx')).ActivityList),
  '/tokens': part(async () => (await import('./pages/token-list.tsx')).TokenList),
} satisfies Record<Path, unknown>
const Preferences = lazyPart(async () => (await import('./dialogs/preferences.tsx')).Preferences, null)
const SignIn = lazyPart(async () => (await import('./pages/sign-in.tsx')).SignIn)

// Before anything is drawn: the page is fetched beside the language, and while the frame is made.
const first = pathAt(location.pathname)
if (first) void PAGES[first].preload()
preloadDialogs(location.search)

/** A heading looks the same whether the table is ordered by it or not; the arrow says it. */
const table = (head: string) => ({
  headerBg: head,
  headerSortActiveBg: head,
  headerSortHoverBg: head,
  bodySortBg: 'transparent',
})

/** Whether things should stay where they are. */
const STILL = matchMedia('(prefers-reduced-motion: reduce)').matches

/** From which width there is room for every column; its usual value leaves out the most common screens. */
const WIDE = { screenXLMax: 1_399, screenXXL: 1_400, screenXXLMin: 1_400 }

/** Ant Design's own, with as much contrast as WCAG AA asks for. */
const THEMES: Record<Theme, ThemeConfig> = {
  light: {
    algorithm: antdTheme.defaultAlgorithm,
    token: {
      colorPrimary: '#0b57d0',
      colorInfo: '#0b57d0',
      colorLink: '#0b57d0',
      colorError: '#c5221f',
      colorTextSecondary: '#4a5260',
      colorTextTertiary: '#5c6470',
      colorTextDescription: '#5c6470',
      colorTextPlaceholder: '#667080',
      colorBgLayout: '#f4f6f9',
      borderRadius: 6,
      ...WIDE,
    },
    components: { Table: table('#fafafa') },
  },
  dark: {
    algorithm: antdTheme.darkAlgorithm,
    token: {
      colorPrimary: '#3b7de0',
      colorInfo: '#3b7de0',
      colorLink: '#8ab4f8',
      colorLinkHover: '#aecbfa',
      colorError: '#f28b82',
      colorTextSecondary: '#bdc1c6',
      colorTextTertiary: '#a8adb4',
      colorTextDescription: '#a8adb4',
      colorTextPlaceholder: '#9aa0a6',
      colorBgLayout: '#0f1216',
      colorBgContainer: '#181c22',
      colorBgElevated: '#1f242c',
      colorBorder: '#434a54',
      colorBorderSecondary: '#2d333b',
      colorFillAlter: '#1d2229',
      borderRadius: 6,
      ...WIDE,
    },
    components: { Table: table('#1d2229'), Button: { dangerColor: '#1f1f1f' } },
  },
}

export function App() {
  return (
    <Suspense>
      <SettingsProvider>
        <Themed>
          <Session />
        </Themed>
      </SettingsProvider>
    </Suspense>
  )
}

function Themed({ children }: { children: ReactNode }) {
  const { widgets, theme } = useSettings()
  return (
    <ConfigProvider
      theme={{
        ...THEMES[theme],
        token: { ...THEMES[theme].token, motion: !STILL },
        cssVar: { key: theme },
      }}
      locale={widgets}
      button={{ autoInsertSpace: false }}
    >
      <AntdApp className="app">{children}</AntdApp>
    </ConfigProvider>
  )
}

/** Another token starts with an empty cache: what was read belongs to the account that read it. */
function Session() {
  /** That a token is asked for, and why the last one no longer does, where there was one. */
  const [asking, setAsking] = useState<{ why?: string }>()
  const ask = useCallback((why: string) => {
    setAsking(authorization() === undefined ? {} : { why })
    forgetToken()
  }, [])
  const [api, setApi] = useState(() => createApi(ask))
  const beginAnew = () => {
    api.live.close()
    dismissAll()
    setApi(createApi(ask))
  }
  const signIn = (token: string) => {
    keepToken(token)
    beginAnew()
    setAsking(undefined)
  }
  const signOut = () => {
    forgetToken()
    beginAnew()
    setAsking({})
  }
  const { client, live } = api
  return (
    <Provider value={client}>
      <LiveContext value={live}>
        <SignInContext value={signIn}>
          <ViewerProvider pause={asking !== undefined}>
            <Frame
              asking={asking !== undefined}
              signOut={authorization() === undefined ? undefined : signOut}
            >
              {asking ? <SignIn why={asking.why} onToken={signIn} /> : <Pages />}
            </Frame>
          </ViewerProvider>
        </SignInContext>
      </LiveContext>
    </Provider>
  )
}

interface FrameProps {
  children: ReactNode
  /** Whether nobody is let in yet, so that there is nothing to follow. */
  asking: boolean
  signOut: (() => void) | undefined
}

function Frame({ children, asking, signOut }: FrameProps) {
  const { words, language, theme, setLanguage, setTheme } = useSettings()
  const [location] = useLocation()
  const other = theme === 'dark' ? 'light' : 'dark'
  const otherTheme = theme === 'dark' ? words.lightTheme : words.darkTheme
  return (
    <>
      <a className="skip" href="#content">
        {words.skip}
      </a>
      <header className="bar">
        <Link className="brand" href={HOME}>
          <img src={icon} alt="" width={24} height={24} />
          {words.product}
        </Link>
        {!asking && <LivePill />}
        <span className="space" />
        <SignedIn />
        <Button type="text" className="bar-link" href={ENDPOINT} target="_blank" rel="opener">
          {words.graphiql}
        </Button>
        {!asking && <NotificationSwitch />}
        <Button
          type="text"
          lang={language === 'en' ? 'zh-CN' : 'en'}
          onClick={() => setLanguage(language === 'en' ? 'zh' : 'en')}
        >
          {words.switchLanguage}
        </Button>
        <Button
          type="text"
          aria-label={otherTheme}
          title={otherTheme}
          icon={theme === 'dark' ? <SunOutlined aria-hidden /> : <MoonOutlined aria-hidden />}
          onClick={() => setTheme(other)}
        />
        <PreferencesButton />
        {signOut && (
          <Button type="text" className="bar-link" onClick={signOut}>
            {words.signOut}
          </Button>
        )}
      </header>
      {!asking && <OfflineBanner />}
      <UpdateBanner />
      <div className="frame">
        <nav className="side" aria-label={words.navigation}>
          {[
            ['/overview', words.overview],
            ['/disks', words.disk],
            ['/snapshots', words.snapshot],
            ['/policies', words.policy.policies],
            ['/connections', words.connections],
            ['/activity', words.activity],
            ['/tokens', words.access.title],
          ].map(([path = '', label]) => (
            <Link key={path} href={path} aria-current={location.startsWith(path) ? 'page' : undefined}>
              {label}
            </Link>
          ))}
        </nav>
        <main id="content">{children}</main>
      </div>
      {!asking && <Notices />}
      <Announcer />
      <TransitionAnnouncer />
      <BrowserNotifications />
      <OwnVerifications />
    </>
  )
}

/** Opens the preferences, which are loaded then. */
function PreferencesButton() {
  const { preferences } = useWords()
  const [state, setState] = useState<'unopened' | 'open' | 'closed'>('unopened')
  return (
    <>
      <Button
        type="text"
        aria-label={preferences.title}
        aria-haspopup="dialog"
        title={preferences.title}
        icon={<SettingOutlined aria-hidden />}
        onClick={() => setState('open')}
      />
      {state !== 'unopened' && <Preferences open={state === 'open'} close={() => setState('closed')} />}
    </>
  )
}

/** Offers the console that the gateway serves since it was upgraded. */
function UpdateBanner() {
  const words = useWords()
  const version = useSyncExternalStore(watchVersion, latestVersion)
  if (version !== 'newer') return null
  return (
    <Alert
      banner
      type="info"
      title={words.newVersion}
      action={
        <Button size="small" onClick={() => location.reload()}>
          {words.reloadToUpdate}
        </Button>
      }
    />
  )
}

function Pages() {
  useEffect(() => preloadWhenIdle([LazyDialogs, Preferences, ...Object.values(PAGES), SignIn]), [])
  return (
    <Switch>
      <Route path="/">
        <Redirect to={HOME} replace />
      </Route>
      {PATHS.map((path) => {
        const Content = PAGES[path]
        return (
          <Route key={path} path={path}>
            {({ id = '' }: { id?: string }) => <Content key={id} id={id} />}
          </Route>
        )
      })}
      <Route>
        <NoPage />
      </Route>
    </Switch>
  )
}

function NoPage() {
  const words = useWords()
  return (
    <Page title={words.notFound}>
      <Nothing title={words.noPage}>
        <Link href={HOME}>{words.toOverview}</Link>
      </Nothing>
    </Page>
  )
}
