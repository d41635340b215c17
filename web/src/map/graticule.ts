// Lines of latitude and longitude through the view, at a spacing that suits its size.

import type { Feature, FeatureCollection, LineString } from 'geojson'

export interface Bounds {
  west: number
  south: number
  east: number
  north: number
}

const STEPS = [30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005]
/** About so many spaces across the longer side of the view. */
const SPACES = 7

export function graticule(bounds: Bounds): FeatureCollection<LineString, { text: string }> {
  const { west, south, east, north } = bounds
  const step = stepFor(Math.max(east - west, north - south))
  const [top, bottom] = [Math.min(85, north + step), Math.max(-85, south - step)]
  const [left, right] = [west - step, east + step]
  const meridians = multiples(step, left, right).map((lng) =>
    line(angle(((((lng + 180) % 360) + 360) % 360) - 180, step, 'E', 'W'), [
      [lng, bottom],
      [lng, top],
    ]),
  )
  const parallels = multiples(step, bottom, top).map((lat) =>
    line(angle(lat, step, 'N', 'S'), [
      [left, lat],
      [right, lat],
    ]),
  )
  return { type: 'FeatureCollection', features: [...meridians, ...parallels] }
}

export function stepFor(span: number): number {
  return STEPS.find((step) => span / step >= SPACES) ?? 0.0005
}

function multiples(step: number, from: number, to: number): number[] {
  const first = Math.ceil(from / step)
  const last = Math.floor(to / step)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step)
}

function line(text: string, coordinates: [number, number][]): Feature<LineString, { text: string }> {
  return { type: 'Feature', properties: { text }, geometry: { type: 'LineString', coordinates } }
}

function angle(degrees: number, step: number, positive: string, negative: string): string {
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const text = Math.abs(degrees).toFixed(decimals)
  if (Number(text) === 0) return '0°'
  return `${text}° ${degrees > 0 ? positive : negative}`
}
