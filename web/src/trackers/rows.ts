// What the list shows: groups, and in them the trackers that pass search and status filter.

import type { Group, State, Tracker } from '../api/types'
import { STATUSES, statusOf, type Status } from '../fleet/status'

export type Row =
  | { kind: 'group'; id: number; title: string; color: string | null; size: number; isOpen: boolean }
  | { kind: 'tracker'; tracker: Tracker; state: State | undefined; status: Status }

export interface Filter {
  text: string
  status: Status | null
  closed: ReadonlySet<number>
}

export interface Listing {
  rows: Row[]
  /** Of all trackers, whatever the filter. */
  counts: Record<Status, number>
  /** How many trackers pass the filter. */
  found: number
}

const byLabel = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

export function listing(
  trackers: readonly Tracker[],
  groups: readonly Group[],
  states: ReadonlyMap<number, State>,
  { text, status: wanted, closed }: Filter,
): Listing {
  const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>
  const members = new Map<number, Extract<Row, { kind: 'tracker' }>[]>()
  const titles = new Map(groups.map((group) => [group.id, group]))
  const needle = text.trim().toLowerCase()
  let found = 0
  for (const tracker of trackers) {
    const state = states.get(tracker.source.id)
    const status = statusOf(tracker, state)
    counts[status]++
    if ((wanted !== null && status !== wanted) || !matches(tracker, needle)) continue
    found++
    const group = titles.has(tracker.group_id) ? tracker.group_id : 0
    const row = { kind: 'tracker', tracker, state, status } as const
    const others = members.get(group)
    if (others === undefined) members.set(group, [row])
    else others.push(row)
  }
  const order = [...groups.toSorted((one, other) => byLabel.compare(one.title, other.title)).map(({ id }) => id), 0]
  const rows = order.flatMap((id): Row[] => {
    const inGroup = members.get(id)
    if (inGroup === undefined) return []
    inGroup.sort((one, other) => byLabel.compare(one.tracker.label, other.tracker.label))
    // Somebody who searches wants to see what was found.
    const isOpen = needle !== '' || !closed.has(id)
    const group = titles.get(id)
    const head = { title: group?.title ?? 'No group', color: group ? `#${group.color}` : null, size: inGroup.length }
    return [{ kind: 'group', id, isOpen, ...head }, ...(isOpen ? inGroup : [])]
  })
  return { rows, counts, found }
}

function matches({ label, source }: Tracker, needle: string): boolean {
  if (needle === '') return true
  return [label, source.device_id, source.model].some((text) => text?.toLowerCase().includes(needle))
}
