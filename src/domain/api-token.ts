/** For how many days an API token may be good, if not forever. */
export const API_TOKEN_DAYS_MAX = 3_650
