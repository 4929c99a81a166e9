import { Link } from 'wouter'
import type { Place } from '../api/disk.ts'
import type { Words } from '../words/en.ts'
import { FROM_DESKTOP } from './table.ts'
import type { ListColumn } from './table-view.ts'

/** Of which connection and provider disks or snapshots are: not shown by itself in an account that has no connection. */
export function placeColumn(words: Words, hasClouds: boolean): ListColumn<Partial<Place>> {
  return {
    key: 'PLACE',
    title: words.connection,
    width: 120,
    from: hasClouds ? FROM_DESKTOP : [],
    render: (_, { provider, connection }) =>
      connection && provider ? (
        <>
          <Link href={`/connections/${connection.id}`}>{connection.name}</Link>
          <div className="hint">{words.provider[provider]}</div>
        </>
      ) : (
        words.none
      ),
  }
}
