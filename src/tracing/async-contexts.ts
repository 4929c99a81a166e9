import { AsyncLocalStorage } from 'node:async_hooks'
import { context, ROOT_CONTEXT, type Context, type ContextManager } from '@opentelemetry/api'

/** Keeps the active context across everything that is awaited. What has no trace never enters one, and costs nothing. */
class AsyncContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }

  with<Args extends unknown[], Work extends (...args: Args) => ReturnType<Work>>(
    active: Context,
    work: Work,
    self?: ThisParameterType<Work>,
    ...args: Args
  ): ReturnType<Work> {
    return this.#storage.run(active, () => work.apply(self, args))
  }

  bind<T>(active: Context, target: T): T {
    if (typeof target !== 'function') return target
    const call = target as unknown as (...args: unknown[]) => unknown
    return ((...args: unknown[]) => this.#storage.run(active, () => call(...args))) as T
  }

  enable(): this {
    return this
  }

  disable(): this {
    this.#storage.disable()
    return this
  }
}

/**
 * From now on, what a traced request does is traced too, and what is written carries its trace and who asked for it. Further
 * calls do nothing.
 */
export function followContexts(): void {
  context.setGlobalContextManager(new AsyncContexts())
}
