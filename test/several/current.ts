import { startTestApp } from '../support/app.ts'

/**
 * Changes one of a few disks through one gateway and, once that is answered, asks another for it, with clients that do so side
 * by side; how many answers were older than the change.
 */
export async function askOtherAtOnce(url: string, times: number): Promise<{ asked: number; stale: number }> {
  const environment = { DATABASE_URL: url, ANSWER_CACHE_BYTES: '' }
  await using a = await startTestApp(environment)
  await using b = await startTestApp(environment)
  const disks = await Promise.all(
    Array.from({ length: 8 }, (_, index) => a.disk({ name: `disk-${index}`, dataMiB: 0 })),
  )
  let begun = 0
  let asked = 0
  let stale = 0
  await Promise.all(
    disks.map(async ({ id }) => {
      while (begun < times) {
        const name = `name-${++begun}`
        const [writer, reader] = begun % 2 === 0 ? [a, b] : [b, a]
        const { data, errors } = await writer.graphql(
          `mutation ($id: ID!, $name: String!) { updateDisk(input: { diskId: $id, name: $name }) { __typename } }`,
          { id, name },
        )
        if (data?.updateDisk.__typename !== 'UpdateDiskPayload')
          throw new Error(JSON.stringify({ data, errors }))
        const answer = await reader.graphql(`query ($id: ID!) { disk(id: $id) { name } }`, { id })
        asked++
        if (answer.data.disk.name !== name) stale++
      }
    }),
  )
  return { asked, stale }
}
