/** Where the gateway is, and who asks: a token of your own backend. */
export const GATEWAY = (import.meta.env.VITE_GATEWAY as string | undefined) ?? 'http://localhost:4000/graphql'
export const SOCKET = GATEWAY.replace('http', 'ws')

export async function authorization(): Promise<string> {
  const response = await fetch('/token')
  return `Bearer ${await response.text()}`
}
