// Brings the base map's tiles out of their packs, as scripts/base-map/tiles.mjs wrote them.

import { addProtocol } from 'maplibre-gl'

/** Zoom of the tile that names a pack. */
const PACK = 3
/** How many packs stay in memory. */
const MOST_PACKS = 16
const SEA = new ArrayBuffer(0)

interface Pack {
  bytes: ArrayBuffer
  /** Where a tile begins and how long it is. */
  index: Record<string, [number, number]>
  start: number
}

const packs = new Map<string, Promise<Pack>>()

/** Sources with such a URL have the built-in base map. */
export const BASE_TILES = 'base://{z}/{x}/{y}'
export const BASE_TILES_LAST_ZOOM = 6

addProtocol('base', async ({ url }) => {
  const name = url.slice('base://'.length)
  return { data: await tile(name) }
})

async function tile(name: string): Promise<ArrayBuffer> {
  const pack = await load(packOf(name))
  const at = pack.index[name]
  if (at === undefined) return SEA
  const from = pack.start + at[0]
  return pack.bytes.slice(from, from + at[1])
}

export function packOf(tile: string): string {
  const [z = 0, x = 0, y = 0] = tile.split('/').map(Number)
  if (z < PACK) return 'world'
  const up = 2 ** (z - PACK)
  return `${PACK}-${Math.floor(x / up)}-${Math.floor(y / up)}`
}

function load(name: string): Promise<Pack> {
  const known = packs.get(name)
  if (known !== undefined) return known
  const [oldest] = packs.keys()
  if (packs.size >= MOST_PACKS && oldest !== undefined) packs.delete(oldest)
  const pack = read(`/map/tiles/${name}.bin`)
  packs.set(name, pack)
  pack.catch(() => packs.delete(name))
  return pack
}

async function read(url: string): Promise<Pack> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return unpack(await response.arrayBuffer())
}

export function unpack(bytes: ArrayBuffer): Pack {
  const length = new DataView(bytes).getUint32(0, true)
  const index = JSON.parse(new TextDecoder().decode(bytes.slice(4, 4 + length)))
  return { bytes, index, start: 4 + length }
}
