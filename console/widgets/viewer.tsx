import { UserOutlined } from '@ant-design/icons'
import { createContext, use, type ReactNode } from 'react'
import { useQuery } from 'urql'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

/** Who is signed in, and what that allows. */
const VIEWER = graphql(`
  query Viewer {
    viewer {
      account {
        id
        name
      }
      actor {
        kind
        actorId
      }
      role
      expiresAt
      may {
        manageSnapshots {
          allowed
          role
        }
        managePolicies {
          allowed
          role
        }
        manageDisks {
          allowed
          role
        }
        manageTokens {
          allowed
          role
        }
        manageConnections {
          allowed
          role
        }
      }
    }
  }
`)

type Viewer = ResultOf<typeof VIEWER>['viewer']
export type Permission = keyof Viewer['may']

const ViewerContext = createContext<Viewer | undefined>(undefined)

/** Reads who is signed in, unless it is asked for a token just now. */
export function ViewerProvider({ pause, children }: { pause: boolean; children: ReactNode }) {
  const [{ data }] = useQuery({ query: VIEWER, pause })
  return <ViewerContext value={pause ? undefined : data?.viewer}>{children}</ViewerContext>
}

/** Who is signed in; undefined until it is known. */
export const useViewer = () => use(ViewerContext)

/** Why the role does not allow what takes a permission; undefined when it does, and until that is known. */
export function useForbidden(): (needs: Permission | undefined) => string | undefined {
  const words = useWords()
  const viewer = use(ViewerContext)
  return (needs) => {
    if (!viewer || needs === undefined) return undefined
    const { allowed, role } = viewer.may[needs]
    const { role: names, forbidden } = words.viewer
    return allowed ? undefined : forbidden(names[role], names[viewer.role])
  }
}

/** Whose account this is, in which role, and until when. */
export function SignedIn() {
  const words = useWords()
  const format = useFormat()
  const viewer = use(ViewerContext)
  if (!viewer) return null
  const { account, role, expiresAt } = viewer
  return (
    <span className="signed-in">
      <UserOutlined aria-hidden />
      <span className="unseen">{words.viewer.signedIn}</span>
      <strong title={account.id}>{account.name}</strong>
      <span className="role">{words.viewer.role[role]}</span>
      {expiresAt !== null && (
        <time className="hint" dateTime={expiresAt}>
          {words.viewer.until(format.dateTime(expiresAt))}
        </time>
      )}
    </span>
  )
}
