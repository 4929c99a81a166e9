import { Alert, Modal } from 'antd'
import { useId, useState, type ReactNode } from 'react'
import { useAddress } from '../address.ts'
import type { Refusal } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { Failure } from '../widgets/failure.tsx'
import { explain } from '../widgets/refusal.ts'
import { useForbidden, type Permission } from '../widgets/viewer.tsx'
import type { Outcome } from './change.ts'

/** What a dialog is open for, and how it is closed. */
export interface Asked {
  open: boolean
  wanted: string[]
  close: () => void
}

/** Opens a dialog while the address says so: `delete=s-…,s-…` names what is wanted. */
export function useAsked(name: string): Asked & { opened: number } {
  const address = useAddress()
  const asked = address.text(name)
  // It closes with what it showed, and opens anew each time.
  const [shown, setShown] = useState({ asked: '', wanted: '', opened: 0 })
  if (asked !== shown.asked) {
    setShown(asked === '' ? { ...shown, asked } : { asked, wanted: asked, opened: shown.opened + 1 })
  }
  return {
    open: asked !== '',
    wanted: shown.wanted.split(',').filter(Boolean),
    opened: shown.opened,
    close: () => {
      // A late answer does not close what has been opened since.
      if (new URLSearchParams(location.search).get(name) === asked) address.change({ [name]: undefined })
    },
  }
}

/** Drawers have 1000, and one that is opened by the same address would lie above. */
const ABOVE_DRAWERS = 1010

interface DialogProps {
  asked: Asked
  title: string
  width?: number
  /** What the button says that does it. */
  verb: string
  /** What the other one says. */
  dismiss?: string
  danger?: boolean
  /** The permission that it takes. Without it, that is the reason shown. */
  needs: Permission
  /** Whether what it is about has been read. */
  ready?: boolean
  /** Why it cannot be done now. */
  reason?: string | undefined
  sending: boolean
  /** What was asked for is done, and there is something left to read. */
  over?: boolean
  submit: () => Promise<void>
  children: ReactNode
}

/** A dialog that asks for a change. It stays open until that has been accepted. */
export function Dialog({
  asked: { open, close },
  title,
  width = 600,
  verb,
  dismiss,
  danger = false,
  needs,
  ready = true,
  reason: ownReason,
  sending,
  over = false,
  submit,
  children,
}: DialogProps) {
  const words = useWords()
  const form = useId()
  const reason = useForbidden()(needs) ?? ownReason
  const disabled = !ready || reason !== undefined || over
  return (
    <Modal
      open={open}
      destroyOnHidden
      centered
      zIndex={ABOVE_DRAWERS}
      className="dialog"
      width={width}
      title={title}
      onCancel={close}
      okText={verb}
      cancelText={over ? words.close : (dismiss ?? words.cancel)}
      okButtonProps={{ htmlType: 'submit', form, loading: sending, disabled, danger }}
    >
      <form
        id={form}
        className="create"
        onSubmit={(event) => {
          event.preventDefault()
          if (!disabled) void submit()
        }}
      >
        {children}
        {reason !== undefined && <Alert type="warning" showIcon title={reason} />}
      </form>
    </Modal>
  )
}

interface TroubleProps {
  outcome: Outcome<unknown> | undefined
  /** The refusals that are said elsewhere, under their fields. */
  besides?: readonly Refusal['__typename'][]
}

/** Why a change was refused, or how it failed. */
export function Trouble({ outcome, besides = [] }: TroubleProps) {
  const words = useWords()
  const format = useFormat()
  if (outcome?.is === 'failed') return <Failure error={outcome.error} title={words.notDone} />
  if (outcome?.is !== 'refused' || besides.includes(outcome.refusal.__typename)) return null
  return <Alert type="error" showIcon title={explain(outcome.refusal, words, format)} />
}
