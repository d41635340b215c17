// Names of places: the large ones from the start, the small ones of a cell when somebody looks there.

import type { FeatureCollection, Point } from 'geojson'
import type { Bounds } from './graticule'

/** Name, longitude, latitude, population, and 2 for a capital, 1 for a part of a city. */
type Row = [string, number, number, number, number]

interface Index {
  /** Edge of a cell in degrees. */
  cell: number
  cells: string[]
  major: Row[]
}

/** Small places are of use from here on. */
const MINOR_ZOOM = 6.5
/** How many cells stay in memory. */
const MOST_CELLS = 24

export class Places {
  private index: Index | null = null
  private readonly cells = new Map<string, Row[]>()
  private shown = ''

  /** Calls back with all places that may be shown, whenever there are more of them. */
  constructor(private readonly show: (places: FeatureCollection<Point>) => void) {}

  async look(bounds: Bounds, zoom: number) {
    this.index ??= await read<Index>('/map/places.json')
    if (this.index === null) return
    const known = new Set(this.index.cells)
    const wanted = zoom < MINOR_ZOOM ? [] : cellsIn(bounds, this.index.cell).filter((cell) => known.has(cell))
    this.publish(wanted)
    const missing = wanted.filter((cell) => !this.cells.has(cell))
    if (missing.length === 0) return
    await Promise.all(missing.map((cell) => this.load(cell)))
    this.publish(wanted)
  }

  /** Whoever showed them has lost them. */
  forget() {
    this.shown = ''
  }

  private async load(cell: string) {
    const rows = await read<Row[]>(`/map/places/${cell}.json`)
    if (rows === null) return
    this.cells.set(cell, rows)
    const [oldest] = this.cells.keys()
    if (this.cells.size > MOST_CELLS && oldest !== undefined) this.cells.delete(oldest)
  }

  private publish(wanted: string[]) {
    const present = wanted.filter((cell) => this.cells.has(cell))
    const key = present.join(' ') || 'major'
    if (key === this.shown) return
    this.shown = key
    const rows = [...(this.index?.major ?? []), ...present.flatMap((cell) => this.cells.get(cell) ?? [])]
    this.show({ type: 'FeatureCollection', features: rows.map(feature) })
  }
}

export function cellsIn({ west, south, east, north }: Bounds, cell: number): string[] {
  const cells = []
  for (let x = Math.floor(west / cell); x <= Math.floor(east / cell); x++) {
    for (let y = Math.floor(south / cell); y <= Math.floor(north / cell); y++) cells.push(`${x}_${y}`)
  }
  return cells
}

function feature([name, lng, lat, population, kind]: Row) {
  return {
    type: 'Feature' as const,
    properties: { name, population, kind },
    geometry: { type: 'Point' as const, coordinates: [lng, lat] },
  }
}

/** The map is readable without names: what cannot be loaded is left out. */
async function read<T>(url: string): Promise<T | null> {
  try {
    const response = await fetch(url)
    return response.ok ? ((await response.json()) as T) : null
  } catch {
    return null
  }
}
