import { Button, Modal, Progress } from 'antd'
import { useEffect, useRef, useState } from 'react'
import type { CombinedError } from 'urql'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { Failure } from '../widgets/failure.tsx'
import type { TableName } from '../widgets/table-view.ts'
import { useReportWords } from '../words/reports.ts'
import { BYTE_ORDER_MARK, csvLine } from './csv.ts'
import { LISTS } from './lists.ts'
import { readPages } from './read-pages.ts'

interface ExportDialogProps {
  open: boolean
  list: TableName
  /** What the list was read with. */
  variables: object
  /** How many rows it has. */
  total: number
  close: () => void
}

type State =
  | { is: 'reading'; waiting?: Date | undefined }
  | { is: 'failed'; error: CombinedError }
  | { is: 'saved'; file: string }

/** Reads what a list has, page by page, and saves it as a CSV file. Closing it ends that. */
export function ExportDialog({ open, list, variables, total, close }: ExportDialogProps) {
  const words = useWords()
  const reportWords = useReportWords()
  const format = useFormat()
  const [state, setState] = useState<State>({ is: 'reading' })
  const [read, setRead] = useState(0)
  const [attempt, setAttempt] = useState(0)
  // What is there when reading fails, to go on from there.
  const kept = useRef({ lines: [] as string[], after: null as string | null, rows: 0 })
  // As they were when it was opened.
  const [asked] = useState({ list, variables, words, reportWords })

  useEffect(() => {
    if (!open) return undefined
    const stop = new AbortController()
    const run = async () => {
      const { document, listOf, columns } = LISTS[asked.list]
      const { id, filter, orderBy } = asked.variables as { id?: unknown; filter?: unknown; orderBy?: unknown }
      const texts = columns(asked.words, asked.reportWords)
      const reading = readPages({
        document,
        variables: { id, filter, orderBy },
        listOf,
        after: kept.current.after,
        signal: stop.signal,
        onWait: (waiting) => setState({ is: 'reading', waiting }),
      })
      for await (const { nodes, pageInfo } of reading) {
        const lines = nodes.map((row) => csvLine(texts.map(([, cell]) => cell(row))))
        kept.current.lines.push(lines.join(''))
        kept.current.after = pageInfo.endCursor
        kept.current.rows += nodes.length
        setRead(kept.current.rows)
      }
      const file = fileName(asked.list, new Date())
      save(file, [BYTE_ORDER_MARK, csvLine(texts.map(([heading]) => heading)), ...kept.current.lines])
      setState({ is: 'saved', file })
    }
    run().catch((error: unknown) => {
      if (!stop.signal.aborted) setState({ is: 'failed', error: error as CombinedError })
    })
    return () => stop.abort()
  }, [asked, attempt, open])

  const { exporting } = words
  const isSaved = state.is === 'saved'
  const retry = () => {
    setState({ is: 'reading' })
    setAttempt(attempt + 1)
  }
  return (
    <Modal
      open={open}
      centered
      width={460}
      className="dialog"
      title={exporting.title}
      onCancel={close}
      footer={<Button onClick={close}>{isSaved ? words.close : words.cancel}</Button>}
    >
      <Progress
        percent={isSaved ? 100 : Math.min(99, Math.floor((read / Math.max(total, 1)) * 100))}
        aria-label={exporting.title}
      />
      <p role="status">
        {isSaved
          ? exporting.saved(format.number(read), state.file)
          : exporting.read(format.number(read), format.number(Math.max(total, read)))}
      </p>
      {state.is === 'reading' && state.waiting && <p>{exporting.waiting(format.time(state.waiting))}</p>}
      {state.is === 'failed' && <Failure error={state.error} title={words.notDone} retry={retry} />}
    </Modal>
  )
}

/** The list and the day, as the reader counts it. */
function fileName(list: TableName, now: Date): string {
  const [year, month, day] = [now.getFullYear(), now.getMonth() + 1, now.getDate()]
  return `snapgate-${list}-${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}.csv`
}

function save(file: string, parts: string[]): void {
  const url = URL.createObjectURL(new Blob(parts, { type: 'text/csv;charset=utf-8' }))
  const link = document.createElement('a')
  link.href = url
  link.download = file
  link.click()
  URL.revokeObjectURL(url)
}
