import { Button, Dropdown, Tooltip } from 'antd'
import { useId, useRef, useState } from 'react'
import { useWords } from '../settings.tsx'
import { useForbidden, type Permission } from './viewer.tsx'

/** Something that can be done. With a `refusal` it is shown, cannot be done, and says why. */
export interface Action {
  key: string
  label: string
  run: () => void
  /** The permission that it takes. Without it, that is the reason shown. */
  needs?: Permission
  refusal?: string | undefined
  danger?: boolean
}

interface ActionButtonProps {
  action: Action
  type?: 'primary' | 'default' | 'link'
  size?: 'small' | 'middle'
}

/** Stays in reach of the keyboard when it is refused, so that the reason can be read. */
export function ActionButton({
  action: { label, run, needs, refusal: ownRefusal, danger },
  type = 'default',
  size,
}: ActionButtonProps) {
  const reason = useId()
  const refusal = useForbidden()(needs) ?? ownRefusal
  const refused = refusal !== undefined
  return (
    <>
      <Tooltip title={refusal} trigger={['hover', 'focus']}>
        <Button
          type={type}
          size={size ?? 'middle'}
          danger={danger ?? false}
          className={refused ? 'refused' : ''}
          aria-disabled={refused}
          aria-describedby={refused ? reason : undefined}
          onClick={refused ? undefined : run}
        >
          {label}
        </Button>
      </Tooltip>
      {refused && (
        <span className="unseen" id={reason}>
          {refusal}
        </span>
      )}
    </>
  )
}

interface RowActionsProps {
  of: string
  actions: Action[]
  shown?: number
  /** Called when the menu is first opened. */
  onOpen?: () => void
  /** How its buttons look. */
  type?: 'link' | 'default'
}

/** The actions of a row or page: the first ones as they are, the others in a menu, which is made when it is first opened. */
export function RowActions({ of, actions, shown = 2, type = 'link', onOpen }: RowActionsProps) {
  const words = useWords()
  const forbidden = useForbidden()
  const size = type === 'link' ? 'small' : 'middle'
  const others = actions
    .slice(shown)
    .map((action) => ({ ...action, refusal: forbidden(action.needs) ?? action.refusal }))
  const opener = useRef<HTMLButtonElement>(null)
  const [menu, setMenu] = useState<'unopened' | 'open' | 'closed'>('unopened')
  const more = (
    <Button
      ref={opener}
      type={type}
      size={size}
      aria-label={`${words.more}: ${of}`}
      aria-haspopup="menu"
      aria-expanded={menu === 'open'}
      onClick={
        menu === 'unopened'
          ? () => {
              onOpen?.()
              setMenu('open')
            }
          : undefined
      }
    >
      {words.more}
    </Button>
  )
  return (
    <span className={type === 'link' ? 'row-actions' : 'header-actions'}>
      {actions.slice(0, shown).map((action) => (
        <ActionButton key={action.key} action={action} type={type} size={size} />
      ))}
      {others.length > 0 &&
        (menu === 'unopened' ? (
          more
        ) : (
          <Dropdown
            trigger={['click']}
            autoFocus
            open={menu === 'open'}
            onOpenChange={(open) => setMenu(open ? 'open' : 'closed')}
            menu={{
              items: others.map(({ key, label, refusal, danger }) => ({
                key,
                label:
                  refusal === undefined ? (
                    label
                  ) : (
                    <>
                      {label}
                      <div className="hint">{refusal}</div>
                    </>
                  ),
                disabled: refusal !== undefined,
                // In reach of the keyboard, as its reason is to be read.
                tabIndex: -1,
                danger: danger ?? false,
              })),
              onClick: ({ key, domEvent }) => {
                const action = others.find((other) => other.key === key)
                if (!action || action.refusal !== undefined) return
                // Or the key that chose it would press what has the focus next.
                domEvent.preventDefault()
                // What is opened gives the focus back to where it was, and the menu is gone by then.
                opener.current?.focus()
                action.run()
              },
            }}
          >
            {more}
          </Dropdown>
        ))}
    </span>
  )
}

/** The actions of a page or drawer: what cancels as a button, the others in a menu, without what is shown already. */
export function headerActions(
  actions: readonly Action[],
  besides: readonly string[] = ['details'],
): Pick<RowActionsProps, 'actions' | 'shown'> {
  const cancelling = actions.filter(({ key }) => key === 'cancel')
  const others = actions.filter(({ key }) => key !== 'cancel' && !besides.includes(key))
  return { actions: [...cancelling, ...others], shown: cancelling.length }
}
