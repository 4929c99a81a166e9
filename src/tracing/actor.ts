import { context, createContextKey, type Context } from '@opentelemetry/api'

const CAUSE = createContextKey('snapgate.cause')

/** Who or what causes what is done, as it is stored, and the address of the client that asked for it. */
interface Cause {
  actor: string
  address: string | null
}

const active = () => context.active().getValue(CAUSE) as Cause | undefined

/** The context in which an actor, as it is stored, causes what is done; without one, whatever caused it before. */
export function contextOf(
  actor: string | null,
  parent: Context = context.active(),
  address: string | null = null,
): Context {
  return actor === null ? parent : parent.setValue(CAUSE, { actor, address } satisfies Cause)
}

/** Does work for an actor, as it is stored: what is written in it, also later by jobs, says so. */
export function actingAs<T>(actor: string, work: () => T): T {
  return context.with(contextOf(actor), work)
}

/** Who or what causes what is done now, as it is stored; null where nobody asked for it. */
export function activeActor(): string | null {
  return active()?.actor ?? null
}

/** The address of the client whose request causes what is done now; null where no request does. */
export function activeAddress(): string | null {
  return active()?.address ?? null
}
