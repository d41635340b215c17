// What time it is, as the server sees it, so that "2 min ago" is right on a machine whose clock is not.

import { useSyncExternalStore } from 'react'

/** Differences below it are the network's, not the clock's. */
const TOLERANCE = 3_000
const TICK = 5_000

let ahead = 0
let shown = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

/** Milliseconds of the epoch. */
export function serverNow(): number {
  return Date.now() + ahead
}

export function heardServerTime(time: string | undefined) {
  const server = time === undefined ? NaN : Date.parse(time)
  if (Number.isNaN(server)) return
  const difference = server - Date.now()
  ahead = Math.abs(difference) < TOLERANCE ? 0 : difference
}

/** The time, every few seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => shown)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  if (listeners.size === 1) {
    tick()
    timer = setInterval(tick, TICK)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) clearInterval(timer)
  }
}

function tick() {
  shown = serverNow()
  for (const listener of listeners) listener()
}
