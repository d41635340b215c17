// The map as part of the page.

import 'maplibre-gl/dist/maplibre-gl.css'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { useFleetStore } from '../fleet/FleetContext'
import { vehicles } from '../fleet/vehicles'
import { TargetIcon, FleetIcon, MinusIcon, PlusIcon } from '../ui/icons'
import { useTheme } from '../ui/theme'
import type { TrackPoint } from '../api/types'
import { Chart, type Covered } from './chart'
import './map.css'
import type { Tiles } from './settings'

interface Props {
  tiles: Tiles | null
  unit: 'metric' | 'imperial'
  selected: number | null
  /** Counts up when the selected tracker shall be brought into view. */
  visit: number
  track: readonly TrackPoint[]
  covered: Covered
  onPick: (id: number | null) => void
}

export function MapView({ tiles, unit, selected, visit, track, covered, onPick }: Props) {
  const store = useFleetStore()
  const theme = useTheme()
  const container = useRef<HTMLDivElement>(null)
  const [chart, setChart] = useState<Chart | null>(null)
  const [following, setFollowing] = useState(false)
  const wasFitted = useRef(false)

  const onPicked = useEffectEvent(onPick)
  const create = useEffectEvent((element: HTMLElement) => {
    return new Chart(
      element,
      theme,
      tiles,
      (id) => onPicked(id),
      () => setFollowing(false),
    )
  })

  useEffect(() => {
    if (container.current === null) return
    const created = create(container.current)
    setChart(created)
    return () => {
      setChart(null)
      created.remove()
    }
  }, [])

  const showFleet = useEffectEvent((chart: Chart) => {
    const shown = vehicles(store.snapshot())
    chart.showFleet(shown)
    const followed = following && shown.find(({ id }) => id === selected)
    if (followed) chart.follow(followed, covered)
    if (wasFitted.current || shown.length === 0) return
    wasFitted.current = true
    chart.fit(shown, margins(covered), 'at-once')
  })

  useEffect(() => {
    if (chart === null) return
    const show = () => showFleet(chart)
    show()
    return store.subscribe(show)
  }, [chart, store])

  useEffect(() => chart?.paint(theme, tiles), [chart, theme, tiles])
  useEffect(() => chart?.setUnit(unit), [chart, unit])
  useEffect(() => chart?.showTrack(track), [chart, track])
  useEffect(() => chart?.select(selected), [chart, selected])

  const goToSelected = useEffectEvent(() => {
    const vehicle = vehicles(store.snapshot()).find(({ id }) => id === selected)
    if (vehicle !== undefined) chart?.goTo(vehicle, covered)
  })
  useEffect(() => {
    setFollowing(false)
  }, [selected])
  useEffect(() => {
    if (visit > 0) goToSelected()
  }, [visit])

  const fitFleet = () => {
    setFollowing(false)
    chart?.fit(vehicles(store.snapshot()), margins(covered), 'gliding')
  }
  const follow = () => {
    setFollowing(!following)
    if (!following) goToSelected()
  }

  return (
    <div className="map">
      <div ref={container} className="map-canvas" aria-label="Map of the fleet" />
      <div className="map-controls" role="group" aria-label="Map">
        <button type="button" title="Zoom in" aria-label="Zoom in" onClick={() => chart?.zoomBy(1, covered)}>
          <PlusIcon />
        </button>
        <button type="button" title="Zoom out" aria-label="Zoom out" onClick={() => chart?.zoomBy(-1, covered)}>
          <MinusIcon />
        </button>
        <button type="button" title="Show all trackers" aria-label="Show all trackers" onClick={fitFleet}>
          <FleetIcon />
        </button>
        {selected !== null && (
          <button type="button" title="Follow" aria-label="Follow" aria-pressed={following} onClick={follow}>
            <TargetIcon />
          </button>
        )}
      </div>
    </div>
  )
}

/** Air between the outermost markers and what covers the map. */
function margins({ top, right, bottom, left }: Covered): Covered {
  const air = 56
  return { top: top + air, right: right + air, bottom: bottom + air, left: left + air }
}
