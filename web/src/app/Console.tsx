// The console: list, map, and what is known of the selected tracker.

import { lazy, Suspense, useCallback, useEffect, useState } from 'react'
import type { TrackPoint } from '../api/types'
import { useFleet } from '../fleet/FleetContext'
import type { Covered } from '../map/chart'
import { readTiles, type Tiles } from '../map/settings'
import { useToday } from '../trackers/today'
import { TrackerList } from '../trackers/TrackerList'
import { TrackerPanel } from '../trackers/TrackerPanel'
import { Boundary } from '../ui/Boundary'
import { ListIcon, MapIcon } from '../ui/icons'
import './console.css'
import { TopBar } from './TopBar'
import { useIsNarrow } from './useIsNarrow'

// The map is most of the code; the list is there before it.
const MapView = lazy(() => import('../map/MapView').then(({ MapView }) => ({ default: MapView })))

interface Props {
  hash: string
  onLogOut: () => void
}

type Side = 'map' | 'list'
const NO_TRACK: readonly TrackPoint[] = []

export function Console({ hash, onLogOut }: Props) {
  const { trackers, groups, states, user } = useFleet()
  const isNarrow = useIsNarrow()
  const [selected, setSelected] = useState<number | null>(null)
  const [visit, setVisit] = useState(0)
  /** On a narrow screen there is one at a time. */
  const [side, setSide] = useState<Side>('map')
  const { tiles, reload } = useTiles()

  const tracker = trackers.find(({ id }) => id === selected)
  const state = tracker && states.get(tracker.source.id)
  const group = tracker ? (groups.find(({ id }) => id === tracker.group_id)?.title ?? null) : null
  const zone = user?.time_zone ?? 'UTC'
  const today = useToday(hash, tracker?.id ?? null, state, zone)
  const close = useCallback(() => setSelected(null), [])
  const select = useCallback((id: number) => {
    setSelected(id)
    setVisit((visits) => visits + 1)
    setSide('map')
  }, [])

  const isMiles = user?.measurement_system === 'us' || user?.measurement_system === 'imperial'
  return (
    <div className="console" data-side={side}>
      <TopBar onLogOut={onLogOut} onTilesChange={reload} />
      <div className="console-list">
        <TrackerList selected={selected} onSelect={select} />
      </div>
      <main className="console-map">
        <Boundary words="The map cannot be shown in this browser. It needs WebGL 2.">
          <Suspense fallback={null}>
            {tiles !== undefined && (
              <MapView
                tiles={tiles}
                unit={isMiles ? 'imperial' : 'metric'}
                selected={tracker?.id ?? null}
                visit={visit}
                track={tracker ? today.points : NO_TRACK}
                covered={covered(isNarrow, tracker !== undefined)}
                onPick={setSelected}
              />
            )}
          </Suspense>
        </Boundary>
        {tracker && (
          <TrackerPanel hash={hash} tracker={tracker} state={state} group={group} today={today} onClose={close} />
        )}
      </main>
      <nav className="console-sides" aria-label="View">
        <button type="button" aria-pressed={side === 'map'} onClick={() => setSide('map')}>
          <MapIcon />
          Map
        </button>
        <button type="button" aria-pressed={side === 'list'} onClick={() => setSide('list')}>
          <ListIcon />
          Trackers
        </button>
      </nav>
    </div>
  )
}

/** What the panel hides of the map, as console.css and panel.css lay it out. */
function covered(isNarrow: boolean, hasPanel: boolean): Covered {
  const nothing = { top: 0, right: 0, bottom: 0, left: 0 }
  if (!hasPanel) return nothing
  return isNarrow ? { ...nothing, bottom: window.innerHeight * 0.45 } : { ...nothing, right: 372 }
}

/** Undefined until they are known. */
function useTiles() {
  const [tiles, setTiles] = useState<Tiles | null>()
  const reload = useCallback(() => void readTiles().then(setTiles), [])
  useEffect(reload, [reload])
  return { tiles, reload }
}
