import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

/** The bounds of what forms ask for. */
const LIMITS = graphql(`
  query Limits {
    limits {
      nameLength
      descriptionLength
      tags
      tagLength
      diskLabelLength
      diskPathLength
      snapshotsPerRequest
      regionLength
      endpointLength
      credentialsBytes
      credentialNameLength
      credentialReferenceLength
      apiTokenDays {
        min
        max
      }
      diskSizeGiB {
        min
        max
      }
      retentionDays {
        min
        max
      }
    }
  }
`)

/** The bounds that the API holds input to; undefined until they are read. */
export function useLimits(open: boolean) {
  const [{ data }] = useQuery({ query: LIMITS, pause: !open, requestPolicy: 'cache-first' })
  return data?.limits
}

/** Says what is wrong with a number of days that a snapshot is kept; nothing is wrong with null, which is no expiry. */
export function useRetentionProblem(open: boolean): (days: number | null) => string | undefined {
  const words = useWords()
  const format = useFormat()
  const limits = useLimits(open)
  return (days) => {
    if (!limits || days === null) return undefined
    const { min, max } = limits.retentionDays
    return days < min || days > max
      ? words.dialog.retentionRule(format.number(min), format.number(max))
      : undefined
  }
}
