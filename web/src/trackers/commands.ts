// The commands of a tracker: what was asked of its device and what became of it, read again whenever that may have changed.

import { useCallback, useEffect, useState } from 'react'
import { call } from '../api/client'
import { inWords, refusedWith } from '../api/failure'
import type { LoggedCommand } from '../api/types'
import { useFleet } from '../fleet/FleetContext'

export interface Commands {
  log: Log
  /** Answers with what is to be said when it could not be sent. */
  send: (text: string) => Promise<Sent>
  /** Cancels what waits. */
  cancel: () => Promise<void>
}

export type Sent = { kind: 'sent' } | { kind: 'unsupported' } | { kind: 'failed'; words: string }

export type Log =
  | { kind: 'loading' }
  /** The user may not see it, or it is a clone, whose device is somebody else's. */
  | { kind: 'none' }
  | { kind: 'known'; commands: readonly LoggedCommand[]; count: number }
  | { kind: 'failed'; words: string }

/** As many are shown. */
const SHOWN = 10
/** While one waits, its state changes without an event: it is taken, it is sent. */
const WAITING = 2_000

const NOT_PERMITTED = 13
const UNSUPPORTED = 214

export function isOpen({ state }: LoggedCommand): boolean {
  return state === 'queued' || state === 'taken' || state === 'sent'
}

/** What became of it, in words. */
export function outcome({ state, failure }: LoggedCommand): string {
  if (state === 'failed' && failure !== null) return FAILURES[failure] ?? failure
  return STATES[state] ?? state
}

const STATES: Record<string, string> = {
  queued: 'Waiting for the device',
  taken: 'Sending',
  sent: 'Sent, no answer yet',
  acknowledged: 'Done',
  expired: 'Expired',
  cancelled: 'Cancelled',
}

const FAILURES: Record<string, string> = {
  refused: 'Refused by the device',
  no_reply: 'No answer',
  unsupported: 'Not supported by the device',
  unfit: 'Not possible over this protocol',
}

export function useCommands(hash: string, tracker: number): Commands {
  const { happened } = useFleet()
  const [read, setRead] = useState<{ tracker: number; log: Log } | null>(null)
  const [visit, setVisit] = useState(0)
  const again = useCallback(() => setVisit((visits) => visits + 1), [])
  const event = happened.get(tracker)

  useEffect(() => {
    const stopping = new AbortController()
    readLog(hash, tracker, stopping.signal).then(
      (log) => setRead({ tracker, log }),
      () => undefined,
    )
    return () => stopping.abort()
  }, [hash, tracker, visit, event])

  const log: Log = read?.tracker === tracker ? read.log : { kind: 'loading' }
  useEffect(() => {
    if (log.kind !== 'known' || !log.commands.some(isOpen)) return
    const timer = setTimeout(again, WAITING)
    return () => clearTimeout(timer)
  }, [log, again])

  const send = useCallback(
    async (command: string): Promise<Sent> => {
      try {
        await call('tracker/raw_command/send', { tracker_id: tracker, command }, hash)
        again()
        return { kind: 'sent' }
      } catch (failure) {
        if (refusedWith(failure, UNSUPPORTED)) return { kind: 'unsupported' }
        return { kind: 'failed', words: inWords(failure) }
      }
    },
    [hash, tracker, again],
  )
  const cancel = useCallback(async () => {
    // Whether it could be done is what the list shows then.
    await call('tracker/command/unconfirmed/reset', { tracker_id: tracker }, hash).catch(() => undefined)
    again()
  }, [hash, tracker, again])
  return { log, send, cancel }
}

async function readLog(hash: string, tracker: number, signal: AbortSignal): Promise<Log> {
  try {
    const answer = await call('tracker/command/log/list', { tracker_id: tracker, limit: SHOWN }, hash, signal)
    return { kind: 'known', commands: answer.list, count: answer.count }
  } catch (failure) {
    if (signal.aborted) throw failure
    return refusedWith(failure, NOT_PERMITTED) ? { kind: 'none' } : { kind: 'failed', words: inWords(failure) }
  }
}
