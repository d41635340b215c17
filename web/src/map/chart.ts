// The map itself, without React: base map, track, fleet, and what a person does with them.

import {
  AttributionControl,
  LngLatBounds,
  Map as MapLibre,
  ScaleControl,
  setWorkerUrl,
  type GeoJSONSource,
  type StyleSpecification,
} from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url'
import type { TrackPoint } from '../api/types'
import type { Theme } from '../ui/theme'
import { COLOURS } from './colours'
import { graticule, type Bounds } from './graticule'
import type { Place } from './mercator'
import { Overlay, type Vehicle } from './overlay'
import { Places } from './places'
import type { Tiles } from './settings'
import { style, type Base } from './style'
import { trackShapes } from './track'

setWorkerUrl(workerUrl)

/** CSS pixels that something else covers. */
export interface Covered {
  top: number
  right: number
  bottom: number
  left: number
}

/** Nobody wants to see less than a street when there is only one vehicle. */
const CLOSEST_FIT = 14

export class Chart {
  private readonly map: MapLibre
  private readonly overlay: Overlay
  private readonly places: Places
  private readonly scale: ScaleControl
  private base: Base

  constructor(
    container: HTMLElement,
    theme: Theme,
    tiles: Tiles | null,
    private readonly onPick: (id: number | null) => void,
    /** The person moved the map, and not the console. */
    onDrag: () => void,
  ) {
    this.base = { theme, tiles }
    this.map = new MapLibre({
      container,
      style: style(this.base),
      center: [10, 30],
      zoom: 1.6,
      minZoom: 1,
      maxZoom: 19,
      // The overlay counts on a flat map with north up.
      maxPitch: 0,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      attributionControl: false,
      fadeDuration: 150,
    })
    this.map.touchZoomRotate.disableRotation()
    this.map.keyboard.disableRotation()
    this.scale = new ScaleControl({ maxWidth: 110 })
    this.map.addControl(this.scale, 'bottom-left')
    this.map.addControl(new AttributionControl({ compact: false }), 'bottom-right')
    this.overlay = new Overlay(this.map, COLOURS[theme])
    this.places = new Places((places) => this.fill('places', places))
    this.listen(onDrag)
  }

  remove() {
    this.overlay.remove()
    this.map.remove()
  }

  paint(theme: Theme, tiles: Tiles | null) {
    if (theme === this.base.theme && tiles === this.base.tiles) return
    const hadTiles = this.base.tiles !== null
    this.base = { theme, tiles }
    this.overlay.paint(COLOURS[theme])
    this.map.setStyle(style(this.base), {
      diff: true,
      // What was filled in stays.
      transformStyle: (before, next) => ({ ...next, sources: { ...next.sources, ...filled(before, next) } }),
    })
    if (!hadTiles || tiles !== null) return
    this.places.forget()
    this.look()
  }

  setUnit(unit: 'metric' | 'imperial') {
    this.scale.setUnit(unit)
  }

  showFleet(vehicles: Iterable<Vehicle>) {
    this.overlay.show(vehicles)
  }

  select(id: number | null) {
    this.overlay.select(id)
  }

  showTrack(points: readonly TrackPoint[]) {
    this.fill('track', trackShapes(points))
  }

  fit(places: readonly Place[], covered: Covered, how: 'at-once' | 'gliding') {
    const bounds = new LngLatBounds()
    for (const { lng, lat } of places) bounds.extend([lng, lat])
    if (bounds.isEmpty()) return
    const options = { padding: covered, maxZoom: CLOSEST_FIT, animate: how === 'gliding', duration: 600 }
    this.map.fitBounds(bounds, options)
  }

  /** Brings a place into the part of the map that is not covered. */
  goTo({ lng, lat }: Place, covered: Covered) {
    const zoom = Math.max(this.map.getZoom(), 12)
    const { offset } = this.middle(covered)
    this.map.easeTo({ center: [lng, lat], zoom, offset, duration: 500 })
  }

  /** Keeps a place in the middle of what is not covered. */
  follow({ lng, lat }: Place, covered: Covered) {
    this.map.easeTo({ center: [lng, lat], offset: this.middle(covered).offset, duration: 1000, easing: (t) => t })
  }

  /** About the middle of what is not covered. */
  zoomBy(steps: 1 | -1, covered: Covered) {
    const { clientWidth, clientHeight } = this.map.getContainer()
    const [right, down] = this.middle(covered).offset
    const around = this.map.unproject([clientWidth / 2 + right, clientHeight / 2 + down])
    this.map.easeTo({ zoom: Math.round(this.map.getZoom() + steps), around, duration: 200 })
  }

  resize() {
    this.map.resize()
  }

  private middle({ top, right, bottom, left }: Covered): { offset: [number, number] } {
    return { offset: [(left - right) / 2, (top - bottom) / 2] }
  }

  private listen(onDrag: () => void) {
    const { map, overlay } = this
    map.on('click', ({ point }) => this.onPick(overlay.at(point.x, point.y)))
    map.on('mousemove', ({ point }) => {
      const id = overlay.at(point.x, point.y)
      overlay.hover(id)
      map.getCanvas().style.cursor = id === null ? '' : 'pointer'
    })
    map.on('mouseout', () => overlay.hover(null))
    map.on('dragstart', onDrag)
    map.on('load', () => this.look())
    map.on('moveend', () => this.look())
  }

  private look() {
    if (this.base.tiles !== null) return
    const bounds = this.bounds()
    this.fill('graticule', graticule(bounds))
    void this.places.look(bounds, this.map.getZoom())
  }

  private bounds(): Bounds {
    const bounds = this.map.getBounds()
    return { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() }
  }

  private fill(name: string, data: GeoJSON.FeatureCollection) {
    this.map.getSource<GeoJSONSource>(name)?.setData(data)
  }
}

const FILLED = ['track', 'places', 'graticule'] as const

function filled(before: StyleSpecification | undefined, next: StyleSpecification): StyleSpecification['sources'] {
  const kept = FILLED.filter((name) => before?.sources[name] !== undefined && next.sources[name] !== undefined)
  return Object.fromEntries(kept.map((name) => [name, before!.sources[name]!]))
}
