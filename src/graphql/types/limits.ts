import { DISK_SIZE_GIB } from '../../domain/disk-operation.ts'
import { NAME_MAX_LENGTH } from '../../domain/name.ts'
import { isTimeZone, timeZones } from '../../domain/schedule.ts'
import { RETENTION_DAYS } from '../../domain/retention.ts'
import { DESCRIPTION_MAX_LENGTH, TAG_MAX_LENGTH, TAGS_MAX } from '../../domain/tag.ts'
import { builder } from '../builder.ts'
import { text } from '../text.ts'

/** No name of a time zone is as long. */
const NAME_LENGTH_OF_ZONES = 64

export const IntRange = builder.objectRef<{ min: number; max: number }>('IntRange').implement({
  description: 'Whole numbers between two bounds. There are none when `min` is larger than `max`.',
  fields: (t) => ({
    min: t.exposeInt('min', { description: 'The smallest one.' }),
    max: t.exposeInt('max', { description: 'The largest one.' }),
  }),
})

const Limits = builder.objectRef<object>('Limits').implement({
  description: 'The bounds that every mutation holds its input to, for forms.',
  fields: (t) => ({
    nameLength: t.int({
      description: 'The longest name, in code points.',
      resolve: () => NAME_MAX_LENGTH,
    }),
    descriptionLength: t.int({
      description: 'The longest description, in UTF-16 code units.',
      resolve: () => DESCRIPTION_MAX_LENGTH,
    }),
    tags: t.int({ description: 'The most tags of a disk or snapshot.', resolve: () => TAGS_MAX }),
    tagLength: t.int({
      description: 'The longest key, and the longest value, of a tag, in UTF-16 code units.',
      resolve: () => TAG_MAX_LENGTH,
    }),
    retentionDays: t.field({
      type: IntRange,
      description: 'How long a snapshot may be kept, in days, unless it has no expiry.',
      resolve: () => RETENTION_DAYS,
    }),
    diskSizeGiB: t.field({
      type: IntRange,
      description: 'How large a disk may be made, in GiB.',
      resolve: () => DISK_SIZE_GIB,
    }),
    timeZones: t.stringList({
      description:
        'The time zones that a policy may have, each under one of its names, in alphabetical order.',
      resolve: () => [...timeZones()],
    }),
    acceptsTimeZone: t.boolean({
      description:
        'Whether a policy may have the time zone of this name. It may be another name of one that is listed.',
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
    description: 'The bounds of what may be asked for.',
    resolve: () => ({}),
  }),
)
