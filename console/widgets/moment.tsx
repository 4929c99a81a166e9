import { useFormat } from '../format.ts'

/** A point in time in a narrow column: the day, and the time of the day below it. */
export function Moment({ at }: { at: string }) {
  const format = useFormat()
  return (
    <time dateTime={at} className="moment">
      {format.date(at)}
      <br />
      <span className="hint">{format.time(at)}</span>
    </time>
  )
}
