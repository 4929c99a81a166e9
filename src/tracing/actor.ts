import { context, createContextKey, type Context } from '@opentelemetry/api'

const ACTOR = createContextKey('snapgate.actor')

/** The context in which an actor, as it is stored, causes what is done; without one, whatever caused it before. */
export function contextOf(actor: string | null, parent: Context = context.active()): Context {
  return actor === null ? parent : parent.setValue(ACTOR, actor)
}

/** Does work for an actor, as it is stored: what is written in it, also later by jobs, says so. */
export function actingAs<T>(actor: string, work: () => T): T {
  return context.with(contextOf(actor), work)
}

/** Who or what causes what is done now, as it is stored; null where nobody asked for it. */
export function activeActor(): string | null {
  return (context.active().getValue(ACTOR) as string | undefined) ?? null
}
