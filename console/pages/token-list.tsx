import { Alert, Descriptions } from 'antd'
import { useMemo } from 'react'
import { pagingOf, useAddress, type Address } from '../address.ts'
import { graphql } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { TOKEN, type Token } from '../api/token.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { usePageQuery } from '../live/page-query.ts'
import { useWords } from '../settings.tsx'
import { ActionButton } from '../widgets/actions.tsx'
import { Copyable } from '../widgets/copyable.tsx'
import { Failure } from '../widgets/failure.tsx'
import { ListFooter, ListTable } from '../widgets/list.tsx'
import { ListTools } from '../widgets/list-tools.tsx'
import { Moment } from '../widgets/moment.tsx'
import { Page } from '../widgets/page.tsx'
import { Nothing } from '../widgets/state.tsx'
import { FROM_DESKTOP, FROM_LAPTOP, FROM_TABLET } from '../widgets/table.ts'
import type { ListColumn } from '../widgets/table-view.ts'
import { useForbidden, useViewer, type Permission } from '../widgets/viewer.tsx'

const TOKENS = graphql(
  `
    query Tokens($first: Int, $after: String, $last: Int, $before: String) {
      apiTokens(first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo {
          ...PageInfo
        }
        nodes {
          ...Token
        }
      }
      # Where to watch from.
      snapshots(first: 0) {
        streamCursor
      }
    }
  `,
  [TOKEN, PAGE_INFO],
)

/** Access: the account, the role, and the API tokens. */
export function TokenList() {
  const words = useWords()
  const address = useAddress()
  const viewer = useViewer()
  const forbidden = useForbidden()('manageTokens')
  return (
    <Page
      title={words.access.title}
      actions={
        <ActionButton
          type="primary"
          action={{
            key: 'create-token',
            label: words.access.create,
            needs: 'manageTokens',
            run: () => address.change({ 'create-token': 'new' }),
          }}
        />
      }
    >
      <Account />
      {forbidden !== undefined && <Alert type="info" showIcon title={forbidden} />}
      {viewer && forbidden === undefined && <Tokens address={address} />}
    </Page>
  )
}

function Account() {
  const words = useWords()
  const viewer = useViewer()
  if (!viewer) return null
  const { account, role, may } = viewer
  const allowed = (Object.keys(words.access.permission) as Permission[]).filter((name) => may[name].allowed)
  return (
    <section className="card account" aria-labelledby="account">
      <h2 id="account">{words.access.account}</h2>
      <Descriptions
        size="small"
        colon={false}
        column={{ xs: 1, md: 2 }}
        items={[
          { label: words.access.account, children: account.name },
          { label: words.access.accountId, children: <Copyable text={account.id} /> },
          { label: words.access.role, children: words.viewer.role[role] },
          {
            label: words.access.permissions,
            children:
              allowed.map((name) => words.access.permission[name]).join(', ') || words.access.readOnly,
          },
        ]}
      />
    </section>
  )
}

function Tokens({ address }: { address: Address }) {
  const words = useWords()
  const variables = pagingOf(address).arguments
  const { data, fetching, error, readAgain } = usePageQuery(
    address,
    TOKENS,
    variables,
    (read) => read.apiTokens,
  )
  const tokens = data?.apiTokens
  const columns = useColumns(address)
  const revoking = tokens?.nodes.find(({ id }) => id === address.text('revoke-token'))
  return (
    <>
      <div className="toolbar">
        <h2>{words.access.tokens}</h2>
        <span className="space" />
        <ListTools
          table="tokens"
          columns={columns}
          variables={variables}
          total={tokens?.totalCount}
          readAgain={readAgain}
        />
      </div>
      {error && <Failure error={error} retry={readAgain} />}
      {(tokens || !error) && (
        <ListTable
          table="tokens"
          address={address}
          columns={columns}
          list={tokens}
          fetching={fetching}
          nothing={<Nothing title={words.access.noTokens} hint={words.access.noTokensHint} />}
        />
      )}
      <ListFooter address={address} document={TOKENS} variables={variables} list={tokens} />
      <Dialogs token={revoking} onDone={readAgain} />
    </>
  )
}

function useColumns(address: Address): ListColumn<Token>[] {
  const words = useWords()
  return useMemo(() => {
    const { access } = words
    return [
      {
        key: 'NAME',
        needed: true,
        title: words.nameAndId,
        render: (_, { id, name }) => (
          <>
            {name}
            <br />
            <Copyable text={id} />
          </>
        ),
      },
      { key: 'STATUS', title: words.status, width: 96, render: (_, token) => access.status[statusOf(token)] },
      {
        key: 'ROLE',
        title: access.roleOf,
        width: 124,
        from: FROM_TABLET,
        render: (_, { role }) => words.viewer.role[role],
      },
      {
        key: 'CREATED_AT',
        title: words.created,
        width: 124,
        from: FROM_DESKTOP,
        render: (_, { createdAt }) => <Moment at={createdAt} />,
      },
      {
        key: 'EXPIRES_AT',
        title: access.expires,
        width: 124,
        from: FROM_LAPTOP,
        render: (_, { expiresAt }) => (expiresAt === null ? access.never : <Moment at={expiresAt} />),
      },
      {
        key: 'LAST_USED_AT',
        title: access.lastUsed,
        width: 124,
        from: FROM_TABLET,
        render: (_, { lastUsedAt }) => (lastUsedAt === null ? words.none : <Moment at={lastUsedAt} />),
      },
      {
        key: 'ACTIONS',
        needed: true,
        title: words.actions,
        width: 84,
        render: (_, { id, revokedAt }) => (
          <ActionButton
            type="link"
            size="small"
            action={{
              key: 'revoke-token',
              label: access.revoke,
              needs: 'manageTokens',
              danger: true,
              run: () => address.change({ 'revoke-token': id }),
              refusal: revokedAt === null ? undefined : access.alreadyRevoked,
            }}
          />
        ),
      },
    ]
  }, [address, words])
}

function statusOf({ revokedAt, expiresAt }: Token): 'active' | 'expired' | 'revoked' {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now() ? 'expired' : 'active'
}
