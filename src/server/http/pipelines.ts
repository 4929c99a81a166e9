import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How many requests of one connection are worked on at once. */
const AT_ONCE = 4

interface Pipeline {
  waiting: (() => void)[]
  busy: number
  isOver: boolean
}

/**
 * The requests that a client sends on one connection without waiting for answers. They come all at once, however many, so
 * nothing is done for one before it is nearly its turn; past the limit the connection ends, as no client means this well.
 */
export class Pipelines {
  readonly #pipelines = new WeakMap<Socket, Pipeline>()
  readonly #maxWaiting: number

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting
  }

  /** Runs a request when it is nearly its turn, or refuses it as the last one that is answered. */
  enter(
    socket: Socket,
    response: ServerResponse,
    { run, refuse }: { run: () => void; refuse: () => void },
  ): void {
    let pipeline = this.#pipelines.get(socket)
    if (!pipeline) this.#pipelines.set(socket, (pipeline = { waiting: [], busy: 0, isOver: false }))
    if (pipeline.isOver) return
    if (pipeline.waiting.length >= this.#maxWaiting) {
      pipeline.isOver = true
      response.setHeader('connection', 'close')
      refuse()
      return
    }
    pipeline.waiting.push(() => {
      response.once('close', () => {
        pipeline.busy--
        advance(pipeline)
      })
      run()
    })
    advance(pipeline)
  }
}

function advance(pipeline: Pipeline): void {
  while (pipeline.busy < AT_ONCE) {
    const next = pipeline.waiting.shift()
    if (!next) return
    pipeline.busy++
    next()
  }
}
