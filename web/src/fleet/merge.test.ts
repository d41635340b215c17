import { expect, test } from 'vitest'
import { exampleState } from '../api/example'
import { merge } from './merge'

const KNOWN = exampleState({ last_update: '2024-10-16T12:00:00+00:00', connection_status: 'active' })

test('what is newer wins, whatever its zone is called', () => {
  for (const [last_update, wins] of [
    ['2024-10-16T12:00:01+00:00', true],
    ['2024-10-16T17:00:01+05:00', true],
    ['2024-10-16T12:00:00+00:00', true],
    ['2024-10-16T11:59:59+00:00', false],
    ['2024-10-16T16:59:59+05:00', false],
    [null, false],
  ] as const) {
    const incoming = exampleState({ last_update, connection_status: 'offline' })
    expect(merge(KNOWN, incoming), `${last_update}`).toBe(wins ? incoming : KNOWN)
  }
})

test('the first state of a source is taken as it is', () => {
  expect(merge(undefined, KNOWN)).toBe(KNOWN)
})
