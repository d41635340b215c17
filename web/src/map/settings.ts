// Which base map: the built-in one, or raster tiles named by the server's console.json or by this browser's user.

import type { RasterSourceSpecification } from 'maplibre-gl'

export interface Tiles {
  /** With {z}, {x}, {y}. */
  url: string
  attribution?: string
  max_zoom?: number
  tile_size?: number
}

const KEY = 'outrider.tiles'

export function ownTiles(): string {
  return localStorage.getItem(KEY) ?? ''
}

/** An empty URL goes back to what the server says. */
export function chooseTiles(url: string) {
  if (url === '') localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, url)
}

/** Why a template is of no use; null when it is. */
export function faultOf(url: string): string | null {
  if (!/^https?:\/\//.test(url) && !url.startsWith('/')) return 'Begin with https:// or /.'
  const missing = ['{z}', '{x}', '{y}'].filter((part) => !url.includes(part))
  return missing.length === 0 ? null : `Missing: ${missing.join(', ')}.`
}

export async function readTiles(): Promise<Tiles | null> {
  const own = ownTiles()
  if (own !== '' && faultOf(own) === null) return { url: own }
  try {
    const response = await fetch('/console.json')
    if (!response.ok) return null
    const { tiles } = (await response.json()) as { tiles?: Tiles | null }
    return tiles && faultOf(tiles.url) === null ? tiles : null
  } catch {
    return null
  }
}

export function rasterSource(tiles: Tiles): RasterSourceSpecification {
  return {
    type: 'raster',
    tiles: [new URL(tiles.url, window.location.href).href.replaceAll('%7B', '{').replaceAll('%7D', '}')],
    tileSize: tiles.tile_size ?? 256,
    maxzoom: tiles.max_zoom ?? 19,
    ...(tiles.attribution !== undefined && { attribution: tiles.attribution }),
  }
}
