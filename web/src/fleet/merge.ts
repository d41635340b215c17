// How what is known of a source and what comes in become one state.

import type { State } from '../api/types'

/** A state that was asked for may arrive after a newer one that was pushed: it does not move the state back. */
export function merge(known: State | undefined, incoming: State): State {
  if (known === undefined) return incoming
  return time(incoming.last_update) < time(known.last_update) ? known : incoming
}

function time(moment: string | null): number {
  return moment === null ? -Infinity : Date.parse(moment)
}
