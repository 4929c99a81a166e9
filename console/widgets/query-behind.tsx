import { CodeOutlined } from '@ant-design/icons'
import { Button, Drawer } from 'antd'
import { stringifyDocument, type TypedDocumentNode } from 'urql'
import { useAddress } from '../address.ts'
import { ENDPOINT } from '../api/graphql.ts'
import { useWords } from '../settings.tsx'

interface QueryBehindProps {
  document: TypedDocumentNode<unknown, never>
  variables: object
}

/** Shows what a page has asked the API, to be taken from there. */
export function QueryBehind({ document, variables }: QueryBehindProps) {
  const words = useWords()
  const address = useAddress()
  const text = stringifyDocument(document)
  const given = JSON.stringify(variables, null, 2)
  return (
    <>
      <Button
        type="link"
        icon={<CodeOutlined aria-hidden />}
        onClick={() => address.change({ show: 'query' })}
      >
        {words.queryBehind}
      </Button>
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
    </>
  )
}

function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <pre className="code" tabIndex={0} aria-label={label}>
      {text}
    </pre>
  )
}
