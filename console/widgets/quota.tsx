import { Progress } from 'antd'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

/** From which part of its limit a budget is shown as nearly full. */
const NEARLY_FULL = 0.9

/** What is used of a budget; the limit is null where there is none to compare with. */
interface Budget {
  used: number
  limit: number | null
}

/** How full a budget is, as a class of the style sheet: amber when it is nearly full, red when it is. */
export function levelOf({ used, limit }: Budget): string | undefined {
  if (limit === null) return undefined
  if (used >= limit) return 'quota-full'
  return used >= limit * NEARLY_FULL ? 'quota-nearly-full' : undefined
}

/** How much of a budget is used, as a bar. */
export function QuotaBar({ label, quota: { used, limit } }: { label: string; quota: Budget }) {
  const words = useWords()
  const format = useFormat()
  const level = levelOf({ used, limit })
  const text =
    limit === null ? format.number(used) : words.quotaUsed(format.number(used), format.number(limit))
  return (
    <div className="quota">
      <div className="quota-text">
        <span>{label}</span>
        <span>{text}</span>
      </div>
      {limit !== null && (
        <Progress
          percent={limit === 0 ? 100 : (used / limit) * 100}
          showInfo={false}
          size="small"
          {...(level === 'quota-full' && { status: 'exception' as const })}
          {...(level === 'quota-nearly-full' && { strokeColor: 'var(--warning)' })}
          aria-label={`${label}: ${text}`}
        />
      )}
    </div>
  )
}
