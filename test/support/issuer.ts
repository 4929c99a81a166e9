import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose'

/** An issuer of JWTs on this machine, with a key set that can be changed, broken and counted. */
export async function startIssuer() {
  const pairs = new Map<string, { publicKey: CryptoKey; privateKey: CryptoKey; alg: string }>()
  const issuer = {
    requests: 0,
    isBroken: false,
    /** Answers with the keys, which are given as JSON. */
    answer: (response: ServerResponse, keys: string): unknown =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(keys),
  }
  const server = createServer((_request, response) => {
    issuer.requests++
    if (issuer.isBroken) {
      response.writeHead(500).end('down')
      return
    }
    const keys = [...pairs].map(async ([kid, { publicKey, alg }]) => ({
      ...(await exportJWK(publicKey)),
      kid,
      alg,
    }))
    void Promise.all(keys).then((all) => issuer.answer(response, JSON.stringify({ keys: all })))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`

  return Object.assign(issuer, {
    environment: { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'snapgate', JWT_JWKS_URL: url },

    async addKey(kid: string, alg = 'RS256'): Promise<void> {
      pairs.set(kid, { ...(await generateKeyPair(alg)), alg })
    },

    removeKey: (kid: string) => pairs.delete(kid),

    /** Signs what a good JWT says, unless `claims` say otherwise; those that are undefined are left out. */
    sign(kid: string, claims: JWTPayload = {}): Promise<string> {
      const pair = pairs.get(kid)
      if (!pair) throw new Error(`There is no key ${kid}.`)
      return new SignJWT({ ...goodClaims(), ...claims })
        .setProtectedHeader({ alg: pair.alg, kid })
        .sign(pair.privateKey)
    },

    publicKey: (kid: string) => exportJWK(pairs.get(kid)?.publicKey as CryptoKey),

    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

/** What a JWT says that the issuer's environment lets in. */
export function goodClaims(): JWTPayload {
  const now = Math.floor(Date.now() / 1000)
  const whom = { iss: 'https://issuer.example', aud: 'snapgate', account: 'tenant', role: 'operator' }
  return { ...whom, iat: now, exp: now + 3_600 }
}
