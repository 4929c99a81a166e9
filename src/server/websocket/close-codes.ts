/** Close codes of the WebSocket itself, after which the official client connects again. Source: RFC 6455, 7.4, and its registry. */
export const GOING_AWAY = 1001
export const TRY_AGAIN_LATER = 1013

/** The message is longer than it may be (RFC 6455, 7.4.1). */
export const TOO_BIG = 1009
