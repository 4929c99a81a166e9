import type { Refusal } from '../domain/refusal.ts'

/** Is told what transactions do. */
export interface DatabaseObserver {
  /** A COMMIT took this long, in milliseconds. */
  committed?: (tookMs: number) => void
  /** What was asked for was refused, and is undone. Called again with the same refusal where it is passed on. */
  refused?: (refusal: Refusal) => void
}
