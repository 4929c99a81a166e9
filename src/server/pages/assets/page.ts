import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Answers a request that is for its pages or their assets, and says whether it did. */
export type PageHandler = (request: IncomingMessage, response: ServerResponse) => boolean

/** An HTML document that browsers check again at each visit, and are sent again only when it has changed. */
export interface Page {
  html: Buffer
  etag: string
  contentSecurityPolicy: string
}

export function createPage(html: string, contentSecurityPolicy: string): Page {
  return {
    html: Buffer.from(html),
    etag: `"${createHash('sha256').update(html).digest('base64url').slice(0, 22)}"`,
    contentSecurityPolicy,
  }
}

/** Whether the client holds what it asks for already. */
export function isHeld({ headers }: IncomingMessage, etag: string): boolean {
  const held = headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return held.includes(etag) || held.includes('*')
}

export function sendPage(
  { html, etag, contentSecurityPolicy }: Page,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const headers = {
    etag,
    'cache-control': 'no-cache',
    vary: 'accept',
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  }
  if (isHeld(request, etag)) {
    response.writeHead(304, headers).end()
    return
  }
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/html; charset=utf-8',
    'content-length': html.length,
  })
  response.end(request.method === 'HEAD' ? undefined : html)
}
