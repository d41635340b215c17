// Whether there is room for one thing at a time, as on a phone.

import { useSyncExternalStore } from 'react'

const narrow = window.matchMedia('(max-width: 760px)')

export function useIsNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => narrow.matches)
}

function subscribe(listener: () => void): () => void {
  narrow.addEventListener('change', listener)
  return () => narrow.removeEventListener('change', listener)
}
