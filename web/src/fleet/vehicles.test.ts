import { expect, test } from 'vitest'
import { exampleState, exampleTracker } from '../api/example'
import type { State } from '../api/types'
import { vehicles } from './vehicles'

const FIX = { updated: '2024-10-16T12:00:00+00:00', location: { lat: 53.5, lng: 10 }, heading: 90, speed: 36 }
const GPS = { ...FIX, signal_level: 90, alt: 12 }

test('what a marker shows of a tracker', () => {
  const cases: [Partial<State>, boolean, string, string][] = [
    [{ connection_status: 'active', movement_status: 'moving' }, false, 'active', 'arrow'],
    [{ connection_status: 'active', movement_status: 'stopped' }, false, 'active', 'disc'],
    [{ connection_status: 'idle', movement_status: 'parked' }, false, 'idle', 'ring'],
    // Nobody knows whether it still moves.
    [{ connection_status: 'offline', movement_status: 'moving' }, false, 'offline', 'ring'],
    [{ connection_status: 'active', movement_status: 'moving' }, true, 'blocked', 'ring'],
  ]
  for (const [part, blocked, status, shape] of cases) {
    const trackers = [exampleTracker({ id: 7 }, { id: 9, blocked })]
    const states = new Map([[9, exampleState({ source_id: 9, gps: GPS, ...part })]])
    const marker = { id: 7, label: 'Van 1', lat: 53.5, lng: 10, heading: 90, status, shape }
    expect(vehicles({ trackers, states })).toEqual([marker])
  }
})

test('who never had a position has no marker', () => {
  const trackers = [exampleTracker({ id: 7 }, { id: 9 }), exampleTracker({ id: 8 }, { id: 10 })]
  expect(vehicles({ trackers, states: new Map([[9, exampleState({ source_id: 9 })]]) })).toEqual([])
})

test('clones share the state of their source', () => {
  const trackers = [exampleTracker({ id: 7 }, { id: 9 }), exampleTracker({ id: 8, clone: true }, { id: 9 })]
  const states = new Map([[9, exampleState({ source_id: 9, gps: GPS })]])
  expect(vehicles({ trackers, states }).map(({ id }) => id)).toEqual([7, 8])
})
