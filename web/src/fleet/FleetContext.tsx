// Gives views the fleet of the session, and the ways its user wants things written.

import { createContext, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react'
import { formats, type Formats } from '../ui/format'
import { LiveFleet } from './live'
import { FleetStore, type Snapshot } from './store'

const Context = createContext<FleetStore | null>(null)

interface Props {
  hash: string
  onSessionEnd: () => void
  children: ReactNode
}

export function FleetProvider({ hash, onSessionEnd, children }: Props) {
  const [store] = useState(() => new FleetStore())
  useEffect(() => {
    const live = new LiveFleet(store, hash, onSessionEnd)
    return () => live.stop()
  }, [store, hash, onSessionEnd])
  return <Context value={store}>{children}</Context>
}

/** For what follows the fleet without React. */
export function useFleetStore(): FleetStore {
  const store = useContext(Context)
  if (store === null) throw new Error('there is no fleet outside of FleetProvider')
  return store
}

export function useFleet(): Snapshot {
  const store = useFleetStore()
  return useSyncExternalStore(store.subscribe, store.snapshot)
}

/** Before the user is known: metric, and the zone of the browser. */
export function useFormats(): Formats {
  const { user } = useFleet()
  const system = user?.measurement_system ?? 'metric'
  const zone = user?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  return useMemo(() => formats(system, zone), [system, zone])
}
