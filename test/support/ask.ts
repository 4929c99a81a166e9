import { request as httpRequest, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'

interface Answer {
  status: number | undefined
  headers: IncomingMessage['headers']
  body: Buffer
}

interface Request {
  method?: string
  path?: string
  body?: string
}

/** Unlike `fetch`, adds no headers, leaves the body as it was transferred, and sends `path` with its dots. */
export function ask(
  url: string,
  headers: Record<string, string> = {},
  { method = 'GET', path = url.slice(new URL(url).origin.length), body }: Request = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { method, path, headers, agent: false }, (response) => {
      buffer(response).then((body) => {
        resolve({ status: response.statusCode, headers: response.headers, body })
      }, reject)
    })
      .on('error', reject)
      .end(body)
  })
}
