/** An error of the API, whether an answer or the socket brought it. */
export interface Complaint {
  message: string
  extensions?: Record<string, unknown>
}

export function codeOf({ extensions }: Complaint): unknown {
  return extensions?.['code']
}

export function isUnauthenticated(complaint: Complaint): boolean {
  return codeOf(complaint) === 'UNAUTHENTICATED'
}

/** 4401 and 4403: the gateway does not accept the credentials of the connection, or not any more. */
export function complaintOfClose(error: unknown): Complaint {
  const { code, reason = '' } = error as Partial<CloseEvent>
  const refused = code === 4401 || code === 4403
  return { message: reason, extensions: { code: refused ? 'UNAUTHENTICATED' : 'CONNECTION_LOST' } }
}
