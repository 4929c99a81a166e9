import { Link } from 'wouter'
import type { Place } from '../api/disk.ts'
import type { Words } from '../words/en.ts'
import { FROM_DESKTOP } from './table.ts'
import type { ListColumn } from './table-view.ts'

/** Where disks or snapshots are: not shown by itself in an account that has no connection to a cloud. */
export function placeColumn(words: Words, hasClouds: boolean): ListColumn<Partial<Place>> {
  return {
    key: 'PLACE',
    title: words.providerLabel,
    width: 140,
    from: hasClouds ? FROM_DESKTOP : [],
    render: (_, { provider, connection }) => (
      <>
        {provider && words.provider[provider]}
        {connection && (
          <div className="hint">
            <Link href={`/connections/${connection.id}`}>{connection.name}</Link>
          </div>
        )}
      </>
    ),
  }
}
