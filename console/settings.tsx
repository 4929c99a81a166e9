import type { ConfigProviderProps } from 'antd'
import enGB from 'antd/locale/en_GB'
import {
  createContext,
  startTransition,
  use,
  useCallback,
  useEffect,
  useMemo,
  useState,
  type ReactNode,
} from 'react'
import { forBrowser } from './api/storage.ts'
import { TIME_FORMS, ZONES, type TimeForm, type Zone } from './times.ts'
import { en, type Words } from './words/en.ts'

export type Language = 'en' | 'zh'
export type Theme = 'light' | 'dark'

interface Texts {
  words: Words
  /** The texts of Ant Design's widgets. */
  widgets: ConfigProviderProps['locale']
}

interface Settings extends Texts {
  language: Language
  theme: Theme
  zone: Zone
  timeForm: TimeForm
  setLanguage: (language: Language) => void
  setTheme: (theme: Theme) => void
  setZone: (zone: Zone) => void
  setTimeForm: (form: TimeForm) => void
}

const SettingsContext = createContext<Settings | undefined>(undefined)

export function useSettings(): Settings {
  const settings = use(SettingsContext)
  if (!settings) throw new Error('There are no settings here.')
  return settings
}

export const useWords = () => useSettings().words

const ENGLISH: Texts = { words: en, widgets: enGB }

let chinese: Promise<Texts> | undefined

/** Loads Chinese the first time it is asked for. If that fails, the texts stay English until the page is loaded again. */
function loadChinese(): Promise<Texts> {
  chinese ??= Promise.all([import('./words/zh.ts'), import('antd/locale/zh_CN')]).then(
    ([{ zh }, { default: zhCN }]) => ({ words: zh, widgets: zhCN }),
    () => ENGLISH,
  )
  return chinese
}

/** Remembers language, theme and how times are written; a newcomer gets those of the browser. Suspends while a language is loaded. */
export function SettingsProvider({ children }: { children: ReactNode }) {
  const [language, rememberLanguage] = useRemembered<Language>('language', ['en', 'zh'], () =>
    navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en',
  )
  const [theme, setTheme] = useRemembered<Theme>('theme', ['light', 'dark'], () =>
    matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
  )
  const [zone, setZone] = useRemembered<Zone>('time-zone', ZONES, () => 'local')
  const [timeForm, setTimeForm] = useRemembered<TimeForm>('time-form', TIME_FORMS, () => 'absolute')
  const texts = language === 'zh' ? use(loadChinese()) : ENGLISH
  useEffect(() => {
    document.documentElement.lang = texts.words.locale
    document.documentElement.dataset['theme'] = theme
  }, [texts, theme])
  const setLanguage = useCallback(
    (next: Language) => startTransition(() => rememberLanguage(next)),
    [rememberLanguage],
  )
  const settings = useMemo(
    () => ({ ...texts, language, theme, zone, timeForm, setLanguage, setTheme, setZone, setTimeForm }),
    [texts, language, theme, zone, timeForm, setLanguage, setTheme, setZone, setTimeForm],
  )
  return <SettingsContext value={settings}>{children}</SettingsContext>
}

function useRemembered<Value extends string>(key: string, values: readonly Value[], initial: () => Value) {
  const place = `snapgate:${key}`
  const [value, setValue] = useState(
    () => values.find((known) => known === forBrowser.get(place)) ?? initial(),
  )
  return useMemo(
    () =>
      [
        value,
        (next: Value) => {
          forBrowser.set(place, next)
          setValue(next)
        },
      ] as const,
    [value, place],
  )
}
