/** Who or what causes a change. */
export const ACTOR_KINDS = {
  API_TOKEN: 'An API token. `actorId` and `name` are those of the token.',
  JWT: 'A JWT. `actorId` is its `sub`, null if it has none.',
  LOCAL: 'A request without a credential, while the gateway requires none.',
  POLICY: 'An automatic snapshot policy. `actorId` and `name` are those of the policy.',
  RETENTION: 'The retention of a snapshot, which has ended.',
  COMMAND: 'A command on the machine of the gateway, such as `npm run disk`.',
  GATEWAY: 'The gateway itself: a status that it observed, or the demo.',
} as const
export type ActorKind = keyof typeof ACTOR_KINDS

export interface Actor {
  kind: ActorKind
  id: string | null
  name: string | null
  /** The request that asked for it; null where none did. */
  requestId: string | null
}

export const GATEWAY: Actor = { kind: 'GATEWAY', id: null, name: null, requestId: null }
export const RETENTION: Actor = { ...GATEWAY, kind: 'RETENTION' }
export const COMMAND: Actor = { ...GATEWAY, kind: 'COMMAND' }

/** An actor as it is stored with a transition or a job. */
export const writeActor = ({ kind, id, name, requestId }: Actor): string =>
  JSON.stringify([kind, id, name, requestId])

/** Null where nothing was stored. */
export function readActor(stored: string | null | undefined): Actor | null {
  if (!stored) return null
  const [kind, id, name, requestId] = JSON.parse(stored) as [
    ActorKind,
    string | null,
    string | null,
    string | null,
  ]
  return { kind, id, name, requestId }
}
