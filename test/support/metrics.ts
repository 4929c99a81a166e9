import type { TestApp } from './app.ts'

/** The samples of the metrics by name and labels, as Prometheus reads them. */
export async function scrape({ metricsUrl = '' }: Pick<TestApp, 'metricsUrl'>): Promise<Map<string, number>> {
  const text = await (await fetch(metricsUrl)).text()
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const at = line.lastIndexOf(' ')
        return [line.slice(0, at), Number(line.slice(at + 1))]
      }),
  )
}

/** A sample's name with its labels. */
export const labelled = (name: string, labels: Record<string, string>) =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`

/** The counter of operations. */
export const operations = (operation: string, kind: string, outcome = 'OK', transport = 'http') =>
  labelled('snapgate_operations_total', { operation, kind, transport, outcome })
