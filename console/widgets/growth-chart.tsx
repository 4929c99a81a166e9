import type { ResultOf } from '../api/graphql.ts'
import type { OVERVIEW } from '../api/overview.ts'
import { useFormat } from '../format.ts'
import { useReportWords } from '../words/reports.ts'

type Day = ResultOf<typeof OVERVIEW>['inventory']['usage'][number]

/** The size of the drawing, in units of its own, and what is left free above the highest point. */
const WIDTH = 640
const HEIGHT = 120
const TOP = 2

/** How the storage of the snapshots has grown. Days that were not noted are bridged. */
export function GrowthChart({ days }: { days: readonly Day[] }) {
  const words = useReportWords()
  const format = useFormat()
  const [first, last] = [days[0], days.at(-1)]
  if (!first || !last || first === last) return <p className="quiet">{words.overview.noGrowth}</p>
  const most = Math.max(...days.map(({ dataBytes }) => dataBytes), 1)
  const [from, to] = [Date.parse(first.day), Date.parse(last.day)]
  const points = days.map(({ day, dataBytes }) => {
    const x = ((Date.parse(day) - from) / (to - from)) * WIDTH
    const y = TOP + (1 - dataBytes / most) * (HEIGHT - TOP)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  const label = words.overview.growthOf(
    format.day(first.day),
    format.day(last.day),
    format.bytes(first.dataBytes),
    format.bytes(last.dataBytes),
  )
  return (
    <figure className="growth">
      <div>{format.bytes(most)}</div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <line x1="0" x2={WIDTH} y1={TOP} y2={TOP} className="growth-grid" />
        <polygon points={`0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`} className="growth-area" />
        <polyline points={points.join(' ')} className="growth-line" />
      </svg>
      <figcaption>
        <span>{format.day(first.day)}</span>
        <span>{format.day(last.day)}</span>
      </figcaption>
    </figure>
  )
}
