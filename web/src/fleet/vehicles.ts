// What the map shows of the fleet: every tracker that has a position.

import type { Vehicle } from '../map/overlay'
import { isInTouch, statusOf } from './status'
import type { Snapshot } from './store'

export function vehicles({ trackers, states }: Pick<Snapshot, 'trackers' | 'states'>): Vehicle[] {
  return trackers.flatMap((tracker) => {
    const state = states.get(tracker.source.id)
    if (state === undefined || state.gps.updated === null) return []
    const { location, heading } = state.gps
    const status = statusOf(tracker, state)
    const moves = isInTouch(status) && state.movement_status === 'moving'
    return [{ id: tracker.id, label: tracker.label, status, shape: moves ? 'arrow' : 'disc', heading, ...location }]
  })
}
