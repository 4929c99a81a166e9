import { API_TOKEN_DAYS_MAX } from '../../domain/api-token.ts'
import {
  CONNECTIONS_MAX,
  CREDENTIAL_NAME_MAX_LENGTH,
  CREDENTIAL_REFERENCE_MAX_LENGTH,
  CREDENTIALS_BYTES_MAX,
  ENDPOINT_MAX_LENGTH,
  REGION_MAX_LENGTH,
} from '../../domain/connection.ts'
import { DISK_LABEL_MAX_LENGTH } from '../../domain/disk.ts'
import { DISK_SIZE_GIB } from '../../domain/disk-operation.ts'
import { DISK_PATH_MAX_LENGTH } from '../../domain/disk-path.ts'
import { NAME_MAX_LENGTH } from '../../domain/name.ts'
import { isTimeZone, timeZones } from '../../domain/schedule.ts'
import { RETENTION_DAYS } from '../../domain/retention.ts'
import { DESCRIPTION_MAX_LENGTH, TAG_MAX_LENGTH, TAGS_MAX } from '../../domain/tag.ts'
import { builder } from '../builder.ts'
import { PAGE_MAX } from '../connection.ts'
import { costing } from '../hints.ts'
import { text } from '../text.ts'
import { TOGETHER_MAX } from './snapshot-mutations.ts'

/** About how many time zones there are; new ones are rare. */
const TIME_ZONES = 450

/** No name of a time zone is as long. */
const NAME_LENGTH_OF_ZONES = 64

export const IntRange = builder.objectRef<{ min: number; max: number }>('IntRange').implement({
  description: 'A range of integers, bounds included. It is empty if `min` is greater than `max`.',
  fields: (t) => ({
    min: t.exposeInt('min', { description: 'Smallest value.' }),
    max: t.exposeInt('max', { description: 'Largest value.' }),
  }),
})

const Limits = builder.objectRef<object>('Limits').implement({
  description: 'Limits of mutation input, for forms.',
  fields: (t) => ({
    nameLength: t.int({
      description: 'Maximum length of a name, in code points.',
      resolve: () => NAME_MAX_LENGTH,
    }),
    descriptionLength: t.int({
      description: 'Maximum length of a description, in UTF-16 code units.',
      resolve: () => DESCRIPTION_MAX_LENGTH,
    }),
    tags: t.int({ description: 'Maximum number of tags per disk or snapshot.', resolve: () => TAGS_MAX }),
    tagLength: t.int({
      description: "Maximum length of a tag's key and of its value, in UTF-16 code units.",
      resolve: () => TAG_MAX_LENGTH,
    }),
    retentionDays: t.field({
      type: IntRange,
      description: 'Retention of a snapshot that expires, in days.',
      resolve: () => RETENTION_DAYS,
    }),
    diskSizeGiB: t.field({
      type: IntRange,
      description: 'Size of a disk that is created or resized, in GiB.',
      resolve: () => DISK_SIZE_GIB,
    }),
    diskLabelLength: t.int({
      description:
        'Maximum length of the storage type, the zone, the instance id and the device of a disk, in UTF-16 code units.',
      resolve: () => DISK_LABEL_MAX_LENGTH,
    }),
    diskPathLength: t.int({
      description: 'Maximum length of the path of a disk that is registered, in UTF-16 code units.',
      resolve: () => DISK_PATH_MAX_LENGTH,
    }),
    apiTokenDays: t.field({
      type: IntRange,
      description: 'Lifetime of an API token that expires, in days.',
      resolve: () => ({ min: 1, max: API_TOKEN_DAYS_MAX }),
    }),
    connections: t.int({
      description: 'Maximum number of connections of an account.',
      resolve: () => CONNECTIONS_MAX,
    }),
    regionLength: t.int({
      description: 'Maximum length of the region of a connection, in characters.',
      resolve: () => REGION_MAX_LENGTH,
    }),
    endpointLength: t.int({
      description: 'Maximum length of the endpoint of a connection, in UTF-16 code units.',
      resolve: () => ENDPOINT_MAX_LENGTH,
    }),
    credentialsBytes: t.field({
      type: 'SafeInt',
      description: 'Maximum size of the credentials of a connection, in bytes of JSON.',
      resolve: () => CREDENTIALS_BYTES_MAX,
    }),
    credentialNameLength: t.int({
      description:
        'Maximum length of an id, a user, a project and a domain in the credentials of a connection, in UTF-16 code units.',
      resolve: () => CREDENTIAL_NAME_MAX_LENGTH,
    }),
    credentialReferenceLength: t.int({
      description:
        'Maximum length of the reference to the credentials of a connection, in UTF-16 code units.',
      resolve: () => CREDENTIAL_REFERENCE_MAX_LENGTH,
    }),
    snapshotsPerRequest: t.int({
      description: 'Maximum number of entries in the input of `createSnapshots` and of `deleteSnapshots`.',
      resolve: () => TOGETHER_MAX,
    }),
    pageSize: t.int({
      description: 'Maximum of `first` and `last`, and of the disks that are linked to a policy at once.',
      resolve: () => PAGE_MAX,
    }),
    timeZones: t.stringList({
      ...costing(0, TIME_ZONES),
      description: 'Time zones for policies, one name each, in alphabetical order.',
      resolve: () => [...timeZones()],
    }),
    acceptsTimeZone: t.boolean({
      description:
        'Whether a policy accepts a time zone of this name. Aliases of the listed names are accepted too.',
      args: {
        name: t.arg.string({
          required: true,
          description: 'An IANA name.',
          validate: text('The name of a time zone', 0, NAME_LENGTH_OF_ZONES),
        }),
      },
      resolve: (_limits, { name }) => isTimeZone(name),
    }),
  }),
})

builder.queryField('limits', (t) =>
  t.field({
    type: Limits,
    description: 'Limits of mutation input.',
    resolve: () => ({}),
  }),
)
