import type { Snapshot, Step } from './documents.ts'

/** What each example does with its client. */
export interface App {
  /** Shows the list, then each step, and the list again when it has changed. */
  live: (show: (snapshots: readonly Snapshot[]) => void, onStep: (step: Step) => void) => Promise<void>
  /** Creates a snapshot; why not, if it is refused. */
  create: (diskId: string, name: string) => Promise<string | undefined>
}

const element = <Name extends keyof HTMLElementTagNameMap>(name: Name, text = '') =>
  Object.assign(document.createElement(name), { textContent: text })

/** The page that all examples share: a form, the list, and what has happened. */
export function startPage({ live, create }: App): void {
  const form = document.body.appendChild(element('form'))
  const disk = form.appendChild(Object.assign(element('input'), { name: 'disk', placeholder: 'Disk id' }))
  const name = form.appendChild(Object.assign(element('input'), { name: 'name', placeholder: 'Name' }))
  form.append(element('button', 'Create snapshot'))
  const refusal = form.appendChild(element('output'))
  const list = document.body.appendChild(element('ul'))
  const log = document.body.appendChild(element('ol'))

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void create(disk.value, name.value).then((why = 'Accepted.') => (refusal.value = why))
  })
  void live(
    (snapshots) =>
      list.replaceChildren(...snapshots.map((one) => element('li', `${one.name} ${one.status}`))),
    ({ sequence, snapshotId, from, to }) =>
      log.append(element('li', `${sequence} ${snapshotId} ${from ?? '-'} ${to}`)),
  ).then(() => (document.title = 'live'))
}
