import { quoted } from '../domain/echo.ts'
import { ID_PREFIXES, typeOfId, type IdType } from '../domain/id.ts'
import { badUserInput } from './errors.ts'

const CALLED: Record<IdType, string> = {
  Disk: 'a disk',
  Snapshot: 'a snapshot',
  AutoSnapshotPolicy: 'an automatic snapshot policy',
  AutoSnapshotRun: 'a run of a policy',
  AutoSnapshotRunDisk: 'a disk of a run',
  Account: 'an account',
  ApiToken: 'an API token',
  Connection: 'a connection',
  Activity: 'an entry of the activity',
}

/** The argument, if it is an id of this type; otherwise an error that says what one looks like. */
export function idOf(type: IdType, id: string): string {
  if (typeOfId(id) === type) return id
  throw badUserInput(
    `${quoted(id)} is not the id of ${CALLED[type]}. Those ids look like ${ID_PREFIXES[type]}-….`,
  )
}
