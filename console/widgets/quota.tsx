import { Progress } from 'antd'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

/** From which part of its limit a budget is shown as nearly full. */
const NEARLY_FULL = 0.9

interface QuotaBarProps {
  label: string
  /** The limit is null where there is none to compare with. */
  quota: { used: number; limit: number | null }
}

/** How much of a budget is used, as a bar. */
export function QuotaBar({ label, quota: { used, limit } }: QuotaBarProps) {
  const words = useWords()
  const format = useFormat()
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
          {...(used >= limit
            ? { status: 'exception' as const }
            : used >= limit * NEARLY_FULL && { strokeColor: 'var(--warning)' })}
          aria-label={`${label}: ${text}`}
        />
      )}
    </div>
  )
}
