// The one status a person sees of a tracker, and its words.

import type { MovementStatus, State, Tracker } from '../api/types'

/** In the order in which they are offered. */
export const STATUSES = ['active', 'idle', 'signal_lost', 'offline', 'just_registered', 'blocked'] as const
export type Status = (typeof STATUSES)[number]

export const STATUS_WORDS: Record<Status, string> = {
  active: 'Active',
  idle: 'Idle',
  signal_lost: 'Signal lost',
  offline: 'Offline',
  just_registered: 'Not seen yet',
  blocked: 'Blocked',
}

export const MOVEMENT_WORDS: Record<MovementStatus, string> = {
  moving: 'Moving',
  stopped: 'Stopped',
  parked: 'Parked',
}

export function statusOf(tracker: Tracker, state: State | undefined): Status {
  if (tracker.source.blocked) return 'blocked'
  return state?.connection_status ?? 'just_registered'
}

/** Whether its movement is worth telling: a device that is not heard of may be anywhere. */
export function isInTouch(status: Status): boolean {
  return status === 'active' || status === 'idle'
}
