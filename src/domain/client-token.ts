export const CLIENT_TOKEN_MAX_LENGTH = 64
/** How long a client token is remembered at least, in hours from the call that it came with. */
export const CLIENT_TOKEN_KEPT_HOURS = 24
