import { expect, test } from 'vitest'
import { exampleState, exampleTracker } from '../api/example'
import type { Group, State, Tracker } from '../api/types'
import { listing, type Filter, type Row } from './rows'

const GROUPS: Group[] = [
  { id: 2, title: 'Vans', color: 'FF6DDC' },
  { id: 1, title: 'Couriers', color: '2A9D8F' },
]
const ALL: Filter = { text: '', status: null, closed: new Set() }

function tracker(id: number, label: string, group_id: number, blocked = false): Tracker {
  return exampleTracker({ id, label, group_id }, { id: id + 100, device_id: `3563070424410${id}`, blocked })
}

function state(source_id: number, connection_status: State['connection_status']): State {
  return exampleState({ source_id, connection_status })
}

const TRACKERS = [
  tracker(10, 'Van 10', 2),
  tracker(11, 'Van 9', 2),
  tracker(12, 'Bicycle', 1),
  tracker(13, 'Loner', 0),
  tracker(14, 'Lost', 77),
  tracker(15, 'Unpaid', 0, true),
]
const STATES = new Map(
  [state(110, 'active'), state(111, 'offline'), state(112, 'active')].map((it) => [it.source_id, it]),
)

const text = (rows: Row[]) =>
  rows.map((row) => (row.kind === 'group' ? `${row.title} (${row.size})` : row.tracker.label))
const list = (filter: Partial<Filter>) => listing(TRACKERS, GROUPS, STATES, { ...ALL, ...filter })

test('groups by name, trackers by name and number, who has no group at the end', () => {
  const { rows, found } = list({})
  expect(text(rows)).toEqual([
    'Couriers (1)', 'Bicycle',
    'Vans (2)', 'Van 9', 'Van 10',
    'No group (3)', 'Loner', 'Lost', 'Unpaid',
  ]) // prettier-ignore
  expect(found).toBe(6)
})

test('counts are of all, whatever is searched', () => {
  const counts = { active: 2, idle: 0, signal_lost: 0, offline: 1, just_registered: 2, blocked: 1 }
  expect(list({}).counts).toEqual(counts)
  expect(list({ text: 'van', status: 'active' }).counts).toEqual(counts)
})

test('search finds label, device id and model; status narrows it', () => {
  expect(text(list({ text: ' vAN ' }).rows)).toEqual(['Vans (2)', 'Van 9', 'Van 10'])
  expect(text(list({ text: '441012' }).rows)).toEqual(['Couriers (1)', 'Bicycle'])
  expect(list({ text: 'fmb920' }).found).toBe(6)
  expect(text(list({ status: 'active' }).rows)).toEqual(['Couriers (1)', 'Bicycle', 'Vans (1)', 'Van 10'])
  expect(list({ text: 'nothing' }).rows).toEqual([])
})

test('a closed group shows its head only, but not from a search', () => {
  const closed = new Set([2])
  expect(text(list({ closed }).rows)).not.toContain('Van 9')
  expect(text(list({ closed }).rows)).toContain('Vans (2)')
  expect(text(list({ closed, text: 'van' }).rows)).toContain('Van 9')
})
