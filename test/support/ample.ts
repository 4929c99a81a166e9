/** Budgets and thresholds that no test meets unless it is about them. */
export const AMPLE = {
  RATE_REQUESTS: '1000000000',
  RATE_COST: '1000000000',
  RATE_CREATES: '1000000000',
  MAX_CONNECTIONS_PER_ADDRESS: '100000',
  MIN_FREE_BYTES: '0',
  MAX_STREAMS_PER_ACCOUNT: '100000',
}
