import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { resuming } from '@snapgate/client'
import { resuming as resumingLink } from '@snapgate/client/apollo'
import { resuming as resumingExchange } from '@snapgate/client/urql'
import { Client as UrqlClient, fetchExchange } from '@urql/core'
import { createClient as createSse } from 'graphql-sse'
import { createClient as createWs } from 'graphql-ws'
import { describe, expect, test } from 'vitest'
import { startTrial, stepLine, type Step, type Trial } from '../support/trial.ts'

const WATCH = `subscription ($after: String) {
  snapshotTransitions(after: $after) { cursor sequence snapshotId from to }
}`

const webSocket = ({ endpoint, token }: Trial, retryAttempts: number) =>
  createWs({
    url: endpoint.replace('http', 'ws'),
    retryAttempts,
    connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
  })

const eventStream = ({ endpoint, token }: Trial, retryAttempts: number) =>
  createSse({
    url: endpoint,
    retryAttempts,
    headers: async () => ({ authorization: `Bearer ${await token()}` }),
  })

/** Watches from the cursor, and calls back for each step; returns how to stop. */
type Watch = (trial: Trial, after: string, onStep: (step: Step) => void) => () => void

const over =
  (connect: (trial: Trial) => Parameters<typeof resuming>[0]): Watch =>
  (trial, after, onStep) => {
    const client = resuming(connect(trial))
    client.subscribe(
      { query: WATCH, variables: { after } },
      {
        next: ({ data }: { data: { snapshotTransitions: Step } }) => onStep(data.snapshotTransitions),
        error: (error: unknown) => expect.fail(JSON.stringify(error)),
        complete: () => undefined,
      },
    )
    return () => void client.dispose()
  }

const apollo: Watch = (trial, after, onStep) => {
  const socket = webSocket(trial, 0)
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(() => true, resumingLink(socket), new HttpLink({ uri: trial.endpoint })),
  })
  const subscription = client
    .subscribe<{ snapshotTransitions: Step }>({ query: gql(WATCH), variables: { after } })
    .subscribe(({ data, error }) => {
      if (error) expect.fail(error.message)
      if (data) onStep(data.snapshotTransitions)
    })
  return () => {
    subscription.unsubscribe()
    client.stop()
    void socket.dispose()
  }
}

const urql: Watch = (trial, after, onStep) => {
  const socket = webSocket(trial, 0)
  const client = new UrqlClient({
    url: trial.endpoint,
    preferGetMethod: false,
    exchanges: [fetchExchange, resumingExchange(socket)],
  })
  const subscription = client
    .subscription<{ snapshotTransitions: Step }>(WATCH, { after })
    .subscribe(({ data, error }) => {
      if (error) expect.fail(error.message)
      if (data) onStep(data.snapshotTransitions)
    })
  return () => {
    subscription.unsubscribe()
    void socket.dispose()
  }
}

describe('a stream that resumes misses and repeats nothing, through four kills and an expired token', () => {
  test.each<[string, Watch]>([
    ['graphql-ws without retries of its own', over((trial) => webSocket(trial, 0))],
    ['graphql-ws with its default retries', over((trial) => webSocket(trial, 5))],
    ['graphql-sse without retries of its own', over((trial) => eventStream(trial, 0))],
    ['graphql-sse with its default retries', over((trial) => eventStream(trial, 5))],
    ['the Apollo link', apollo],
    ['the urql exchange', urql],
  ])('%s', async (_name, watch) => {
    await using trial = await startTrial()
    const seen: Step[] = []
    const stop = watch(trial, trial.start, (step) => seen.push(step))
    await trial.through(() => seen.map(stepLine))
    stop()
  })
})
