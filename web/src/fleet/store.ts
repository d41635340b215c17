// What the console knows of the fleet. Views subscribe; every change makes a new snapshot.

import type { Happening, Link } from '../api/feed'
import type { Group, State, Tracker, UserInfo } from '../api/types'
import { merge } from './merge'

export interface Snapshot {
  user: UserInfo | null
  trackers: readonly Tracker[]
  groups: readonly Group[]
  /** By source: clones share a state. */
  states: ReadonlyMap<number, State>
  /** The last event that was heard of, by tracker. */
  happened: ReadonlyMap<number, number>
  link: Link
  /** Why the fleet could not be read, in words. */
  failure: string | null
}

export class FleetStore {
  private current: Snapshot = {
    user: null,
    trackers: [],
    groups: [],
    states: new Map(),
    happened: new Map(),
    link: 'connecting',
    failure: null,
  }
  private readonly listeners = new Set<() => void>()

  readonly snapshot = () => this.current

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  change(part: Partial<Omit<Snapshot, 'states' | 'happened'>>) {
    this.replace({ ...this.current, ...part })
  }

  take(incoming: Iterable<State>) {
    const states = new Map(this.current.states)
    for (const state of incoming) states.set(state.source_id, merge(states.get(state.source_id), state))
    this.replace({ ...this.current, states })
  }

  happened({ id, tracker_id }: Happening) {
    this.replace({ ...this.current, happened: new Map(this.current.happened).set(tracker_id, id) })
  }

  private replace(snapshot: Snapshot) {
    this.current = snapshot
    for (const listener of this.listeners) listener()
  }
}
