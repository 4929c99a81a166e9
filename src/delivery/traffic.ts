/** What the streams of a gateway have sent since its start, in events, each counted for each stream. Only ever added to. */
export interface Traffic {
  /** As they happened. */
  sent: number
  /** From the log, to streams that resumed or caught up. */
  replayed: number
  /** Not sent, because the stream was too far behind and was ended; its client finds them in the log. */
  dropped: number
  /** Streams that were ended because they were too far behind. */
  slowConsumers: number
}

export const noTraffic = (): Traffic => ({ sent: 0, replayed: 0, dropped: 0, slowConsumers: 0 })
