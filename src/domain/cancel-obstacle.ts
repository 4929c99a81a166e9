/** Why an operation cannot be cancelled. */
export const CANCEL_OBSTACLES = {
  EVICTION:
    'The snapshot is being deleted to make room for a newer automatic snapshot. Its quota slot is already taken.',
  TOO_LATE:
    'It is too late to cancel the operation: its effect can no longer be undone. It is about to complete.',
  UPSTREAM: 'The cloud does this. It cannot be asked to stop.',
} as const
export type CancelObstacle = keyof typeof CANCEL_OBSTACLES
