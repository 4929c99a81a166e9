import { Button, Drawer } from 'antd'
import { stringifyDocument, type TypedDocumentNode } from 'urql'
import { useAddress } from '../address.ts'
import { ENDPOINT } from '../api/graphql.ts'
import { useWords } from '../settings.tsx'

export interface QueryDrawerProps {
  document: TypedDocumentNode<unknown, never>
  variables: object
}

/** What a page has asked the API, while the address asks for it. */
export function QueryDrawer({ document, variables }: QueryDrawerProps) {
  const words = useWords()
  const address = useAddress()
  const text = stringifyDocument(document)
  const given = JSON.stringify(variables, null, 2)
  return (
    <Drawer
      open={address.text('show') === 'query'}
      size={640}
      title={words.queryBehind}
      onClose={() => address.change({ show: undefined })}
      extra={
        <Button
          href={`${ENDPOINT}?${new URLSearchParams({ query: text, variables: given }).toString()}`}
          target="_blank"
          rel="opener"
        >
          {words.openGraphiql}
        </Button>
      }
    >
      <p>{words.queryBehindHint}</p>
      <h3>{words.operation}</h3>
      <CodeBlock text={text} label={words.operation} />
      <h3>{words.variables}</h3>
      <CodeBlock text={given} label={words.variables} />
    </Drawer>
  )
}

function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <pre className="code" tabIndex={0} aria-label={label}>
      {text}
    </pre>
  )
}
