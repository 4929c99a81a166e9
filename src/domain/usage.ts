/** For how many days it is kept what an account had. */
export const DAILY_USAGE_KEPT_DAYS = 400
/** How many of them are read when nobody says. */
export const DAILY_USAGE_DAYS = 90

/** From which part of its limit a quota is nearly full. */
export const NEARLY_FULL = 0.9
