// What the map shows of the fleet: every tracker that has a position.

import type { MovementStatus } from '../api/types'
import type { Vehicle } from '../map/overlay'
import type { Shape } from '../map/sprites'
import { isInTouch, statusOf } from './status'
import type { Snapshot } from './store'

const SHAPES = { moving: 'arrow', stopped: 'disc', parked: 'ring' } as const satisfies Record<MovementStatus, Shape>

export function vehicles({ trackers, states }: Pick<Snapshot, 'trackers' | 'states'>): Vehicle[] {
  return trackers.flatMap((tracker) => {
    const state = states.get(tracker.source.id)
    if (state === undefined || state.gps.updated === null) return []
    const { location, heading } = state.gps
    const status = statusOf(tracker, state)
    const shape = isInTouch(status) ? SHAPES[state.movement_status] : 'ring'
    return [{ id: tracker.id, label: tracker.label, status, shape, heading, ...location }]
  })
}
