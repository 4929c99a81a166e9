import { Progress } from 'antd'
import type { Quota } from '../api/disk.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

/** From which part of its limit a budget is shown as nearly full. */
const NEARLY_FULL = 0.9

/** How much of a budget of snapshots is used, as a bar. */
export function QuotaBar({ label, quota: { used, limit } }: { label: string; quota: Quota }) {
  const words = useWords()
  const format = useFormat()
  const text = words.quotaUsed(format.number(used), format.number(limit))
  return (
    <div className="quota">
      <div className="quota-text">
        <span>{label}</span>
        <span>{text}</span>
      </div>
      <Progress
        percent={limit === 0 ? 100 : (used / limit) * 100}
        showInfo={false}
        size="small"
        {...(used >= limit
          ? { status: 'exception' as const }
          : used >= limit * NEARLY_FULL && { strokeColor: 'var(--warning)' })}
        aria-label={`${label}: ${text}`}
      />
    </div>
  )
}
