import { expect, test } from 'vitest'
import type { State } from '../api/types'
import { merge } from './merge'

const KNOWN: State = {
  source_id: 7,
  gps: {
    updated: '2024-10-16T12:00:00+00:00',
    signal_level: 90,
    location: { lat: 1, lng: 2 },
    heading: 3,
    speed: 4,
    alt: 5,
  },
  connection_status: 'active',
  movement_status: 'moving',
  last_update: '2024-10-16T12:00:00+00:00',
  battery_level: 80,
  inputs: [true],
}

test('what is newer wins, whatever its zone is called', () => {
  for (const [last_update, wins] of [
    ['2024-10-16T12:00:01+00:00', true],
    ['2024-10-16T17:00:01+05:00', true],
    ['2024-10-16T12:00:00+00:00', true],
    ['2024-10-16T11:59:59+00:00', false],
    ['2024-10-16T16:59:59+05:00', false],
    [null, false],
  ] as const) {
    const incoming: State = { ...KNOWN, last_update, connection_status: 'offline' }
    expect(merge(KNOWN, incoming).connection_status, `${last_update}`).toBe(wins ? 'offline' : 'active')
  }
})

test('the first state of a source is taken as it is', () => {
  expect(merge(undefined, KNOWN)).toBe(KNOWN)
})

test('a compact state leaves what it does not tell, a full one replaces all', () => {
  const { source_id, gps, movement_status, last_update } = KNOWN
  const compact: State = { source_id, gps, movement_status, last_update, connection_status: 'idle' }
  expect(merge(KNOWN, compact)).toEqual({ ...KNOWN, connection_status: 'idle' })
  const full: State = { ...compact, inputs: [] }
  expect(merge(KNOWN, full)).toBe(full)
})
