// Today's track of a tracker: read once, then continued by what the feed brings.

import { useEffect, useMemo, useState } from 'react'
import { call } from '../api/client'
import { inWords, isMissingAction } from '../api/failure'
import type { State, TrackPoint } from '../api/types'
import { serverNow } from '../ui/clock'
import { startOfDay } from '../ui/format'

export interface Today {
  history: History
  /** What is known of it: from history, and since the tracker was selected. */
  points: readonly TrackPoint[]
}

type History =
  /** The server has none. */
  | { kind: 'none' }
  | { kind: 'loading' }
  | { kind: 'known'; points: readonly TrackPoint[] }
  | { kind: 'failed'; words: string }

const NO_POINTS: readonly TrackPoint[] = []
/** The most that track/read answers. */
const POINTS = 3_000

/** How many live points continue it at most; a day of one a second would be more than anybody can tell apart. */
const LONGEST_TAIL = 10_000

interface Of<Part> {
  tracker: number
  part: Part
}

export function useToday(hash: string, tracker: number | null, state: State | undefined, zone: string): Today {
  const [read, setRead] = useState<Of<History> | null>(null)
  const tail = useTail(tracker, state)

  useEffect(() => {
    if (tracker === null) return
    const stopping = new AbortController()
    readToday(hash, tracker, zone, stopping.signal).then(
      (history) => setRead({ tracker, part: history }),
      () => undefined,
    )
    return () => stopping.abort()
  }, [hash, tracker, zone])

  return useMemo(() => {
    const history: History = read?.tracker === tracker ? read.part : { kind: 'loading' }
    return { history, points: continued(history.kind === 'known' ? history.points : NO_POINTS, tail) }
  }, [tracker, read, tail])
}

/** Where the tracker was seen since it was selected. */
function useTail(tracker: number | null, state: State | undefined): readonly TrackPoint[] {
  const [tail, setTail] = useState<Of<readonly TrackPoint[]> | null>(null)
  const points = tail !== null && tail.tracker === tracker ? tail.part : NO_POINTS
  const seen = latest(state)
  const last = points.at(-1)
  if (tracker !== null && seen !== null && (last === undefined || isLater(seen, last))) {
    setTail({ tracker, part: [...points, seen].slice(-LONGEST_TAIL) })
  }
  return points
}

/** Leaves out what the track already has. */
export function continued(points: readonly TrackPoint[], tail: readonly TrackPoint[]): readonly TrackPoint[] {
  const end = points.at(-1)
  const newer = end === undefined ? tail : tail.filter((point) => isLater(point, end))
  return newer.length === 0 ? points : [...points, ...newer]
}

async function readToday(hash: string, tracker: number, zone: string, signal: AbortSignal): Promise<History> {
  const now = serverNow()
  const span = { from: toTheSecond(startOfDay(now, zone)), to: toTheSecond(new Date(now)) }
  try {
    const parameters = { tracker_id: tracker, ...span, simplify: true, point_limit: POINTS }
    const { list } = await call('track/read', parameters, hash, signal)
    return { kind: 'known', points: list }
  } catch (failure) {
    if (signal.aborted) throw failure
    return isMissingAction(failure) ? { kind: 'none' } : { kind: 'failed', words: inWords(failure) }
  }
}

function toTheSecond(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, '+00:00')
}

function isLater(one: TrackPoint, other: TrackPoint): boolean {
  return Date.parse(one.get_time) > Date.parse(other.get_time)
}

function latest(state: State | undefined): TrackPoint | null {
  if (state === undefined || state.gps.updated === null || state.gps.gsm_lbs === true) return null
  const { location, updated, speed } = state.gps
  return { ...location, speed, get_time: updated }
}
