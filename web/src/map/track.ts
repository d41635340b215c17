// The line of a track on the map, and what there is to say about it.

import type { Feature, FeatureCollection } from 'geojson'
import type { LayerSpecification } from 'maplibre-gl'
import type { TrackPoint } from '../api/types'
import type { Colours } from './colours'
import { distance } from './mercator'

/** Two points further apart in time are not joined: nobody knows what was between them. */
const GAP = 30 * 60_000

export interface TrackSummary {
  /** Metres. */
  length: number
  /** km/h */
  maxSpeed: number
  /** When the first and the last point were. */
  from: string
  to: string
}

/** Null without points. */
export function summary(points: readonly TrackPoint[]): TrackSummary | null {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return null
  let length = 0
  for (const stretch of stretches(points)) {
    for (let i = 1; i < stretch.length; i++) length += distance(stretch[i - 1]!, stretch[i]!)
  }
  const maxSpeed = points.reduce((fastest, { speed }) => Math.max(fastest, speed), 0)
  return { length, maxSpeed, from: first.get_time, to: last.get_time }
}

/** Cut where time is missing. */
export function stretches(points: readonly TrackPoint[]): TrackPoint[][] {
  const all: TrackPoint[][] = []
  let before = -Infinity
  for (const point of points) {
    const time = Date.parse(point.get_time)
    const stretch = all.at(-1)
    if (stretch === undefined || time - before > GAP) all.push([point])
    else stretch.push(point)
    before = time
  }
  return all
}

export function trackShapes(points: readonly TrackPoint[]): FeatureCollection {
  const position = ({ lng, lat }: TrackPoint) => [lng, lat]
  const lines: Feature[] = stretches(points)
    .filter((stretch) => stretch.length > 1)
    .map((stretch) => ({
      type: 'Feature',
      properties: {},
      geometry: { type: 'LineString', coordinates: stretch.map(position) },
    }))
  const [start] = points
  if (start === undefined) return { type: 'FeatureCollection', features: lines }
  const dot: Feature = { type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: position(start) } }
  return { type: 'FeatureCollection', features: [...lines, dot] }
}

export function trackLayers({ track, trackCasing }: Colours): LayerSpecification[] {
  const layout = { 'line-join': 'round', 'line-cap': 'round' } as const
  return [
    {
      id: 'track-casing',
      type: 'line',
      source: 'track',
      layout,
      paint: { 'line-color': trackCasing, 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 4, 15, 8] },
    },
    {
      id: 'track',
      type: 'line',
      source: 'track',
      layout,
      paint: { 'line-color': track, 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 2, 15, 4] },
    },
    {
      id: 'track-start',
      type: 'circle',
      source: 'track',
      filter: ['==', ['geometry-type'], 'Point'],
      paint: {
        'circle-radius': 5,
        'circle-color': trackCasing,
        'circle-stroke-color': track,
        'circle-stroke-width': 3,
      },
    },
  ]
}
