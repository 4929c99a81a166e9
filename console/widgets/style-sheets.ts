/**
 * Takes the place of the modules by which Ant Design writes `<style>` elements (vite.config.ts): the same styles, in the
 * same order, as style sheets that the document adopts. A policy without 'unsafe-inline' allows those.
 */

interface Options {
  /** `queue`: among the first ones, by priority; `true`: before all; else after all. */
  prepend?: boolean | 'queue'
  priority?: number
}

interface Adopted {
  key: string
  place: number
  css: string
  sheet: CSSStyleSheet
  /** What callers set their marks on; it is never in the page. */
  element: HTMLStyleElement
}

let adopted: Adopted[] = []

function placeOf({ prepend = false, priority = 0 }: Options): number {
  if (prepend === 'queue') return priority
  return prepend ? -Infinity : Infinity
}

function adopt(next: Adopted[]): void {
  const own = new Set([...adopted, ...next].map(({ sheet }) => sheet))
  const others = document.adoptedStyleSheets.filter((sheet) => !own.has(sheet))
  adopted = next
  document.adoptedStyleSheets = [...others, ...next.map(({ sheet }) => sheet)]
}

/** Adds the style, or replaces the one with this key. */
export function updateCSS(css: string, key: string, options: Options = {}): HTMLStyleElement {
  const known = adopted.find((style) => style.key === key)
  if (known) {
    if (known.css !== css) {
      known.css = css
      known.sheet.replaceSync(css)
    }
    return known.element
  }
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  const style = { key, place: placeOf(options), css, sheet, element: document.createElement('style') }
  const behind = adopted.findIndex(({ place }) => place > style.place)
  adopt(behind < 0 ? [...adopted, style] : adopted.toSpliced(behind, 0, style))
  return style.element
}

export function removeCSS(key: string): void {
  adopt(adopted.filter((style) => style.key !== key))
}

export function injectCSS(css: string, options?: Options): HTMLStyleElement {
  return updateCSS(css, css, options)
}

export function clearContainerCache(): void {
  // There are no containers.
}

export function getShadowRoot(): null {
  return null
}

export function warningOnce(valid: boolean, message: string): void {
  if (!valid) console.warn(message)
}
