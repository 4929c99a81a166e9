import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react'
import { forBrowser } from './api/storage.ts'
import { en, type Words } from './words/en.ts'
import { zh } from './words/zh.ts'

const LANGUAGES = { en, zh } as const
export type Language = keyof typeof LANGUAGES
export type Theme = 'light' | 'dark'

interface Settings {
  language: Language
  theme: Theme
  words: Words
  setLanguage: (language: Language) => void
  setTheme: (theme: Theme) => void
}

const SettingsContext = createContext<Settings | undefined>(undefined)

export function useSettings(): Settings {
  const settings = use(SettingsContext)
  if (!settings) throw new Error('There are no settings here.')
  return settings
}

export const useWords = () => useSettings().words

/** Remembers language and theme; a newcomer gets those of the browser. */
export function SettingsProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useRemembered<Language>('language', ['en', 'zh'], () =>
    navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en',
  )
  const [theme, setTheme] = useRemembered<Theme>('theme', ['light', 'dark'], () =>
    matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
  )
  useEffect(() => {
    document.documentElement.lang = LANGUAGES[language].locale
    document.documentElement.dataset['theme'] = theme
  }, [language, theme])
  const settings = useMemo(
    () => ({ language, theme, words: LANGUAGES[language], setLanguage, setTheme }),
    [language, theme, setLanguage, setTheme],
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
