// Cuts land, coasts and borders into vector tiles of zoom 0 to 6, so that a browser loads only what it looks at, and
// packs those into few files.
//
// A pack is the length of its index (4 bytes, little endian), the index as JSON {"z/x/y": [offset, length]} and the
// tiles, offsets counted from the end of the index. "world" has zoom 0 to 2, "3-x-y" its tile of zoom 3 and all
// below it. A tile that is not there is sea.

import { fromGeojsonVt } from '@maplibre/vt-pbf'
import { feature, mesh } from 'topojson-client'
import { clipLines, clipPolygons, projectLines, projectPolygons, WORLD } from './shapes.mjs'

const EXTENT = 8192
/** Shapes reach so far beyond the tile's edge, so that lines do not end there. In tiles. */
const BUFFER = 128 / EXTENT
/** Of a tile that is 512 pixels wide. */
const HALF_PIXEL = EXTENT / 512 / 2
/** Zooms up to it are made of the coarse atlas. */
const LAST_COARSE = 4
const LAST = 6
/** Zoom of the tile that names a pack. */
const PACK = 3

/** Names and contents of the packs. */
export function packs(coarseAtlas, fineAtlas) {
  const tiles = new Map()
  cut(shapesOf(coarseAtlas), 0, 0, 0, 0, LAST_COARSE, tiles)
  cut(shapesOf(fineAtlas), 0, 0, 0, LAST_COARSE + 1, LAST, tiles)
  const groups = new Map([['world', []]])
  for (let x = 0; x < 2 ** PACK; x++) {
    for (let y = 0; y < 2 ** PACK; y++) groups.set(`${PACK}-${x}-${y}`, [])
  }
  for (const tile of tiles) groups.get(packOf(tile[0])).push(tile)
  return [...groups].map(([name, members]) => [name, packed(members)])
}

function shapesOf(atlas) {
  const { land, countries } = atlas.objects
  return {
    land: feature(atlas, land).features.flatMap(({ geometry }) => projectPolygons(geometry)),
    coasts: projectLines(mesh(atlas, land)),
    borders: projectLines(mesh(atlas, countries, (one, other) => one !== other)),
  }
}

/** Adds the tiles of zoom `first` to `last` in and below a tile. */
function cut(shapes, z, x, y, first, last, tiles) {
  const size = WORLD / 2 ** z
  const margin = BUFFER * size
  const box = [x * size - margin, y * size - margin, (x + 1) * size + margin, (y + 1) * size + margin]
  const inside = {
    land: clipPolygons(shapes.land, box),
    coasts: clipLines(shapes.coasts, box),
    borders: clipLines(shapes.borders, box),
  }
  if (inside.land.length === 0) return
  if (z >= first) tiles.set(`${z}/${x}/${y}`, encoded(inside, z, x, y))
  if (z === last) return
  for (const [right, down] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ]) {
    cut(inside, z + 1, 2 * x + right, 2 * y + down, first, last, tiles)
  }
}

function encoded({ land, coasts, borders }, z, x, y) {
  const scale = 2 ** z / WORLD
  const onGrid = ([px, py]) => [Math.round((px * scale - x) * EXTENT), Math.round((py * scale - y) * EXTENT)]
  // The last zoom is looked at from closer, too.
  const least = z === LAST ? 1 : HALF_PIXEL
  const lines = (all) => all.map((line) => thinned(line.map(onGrid), least)).filter((line) => line.length > 1)
  const polygons = land.map((rings) => rings.map((ring) => thinned(ring.map(onGrid), least)).filter(hasArea))
  return fromGeojsonVt(
    {
      land: layer(
        3,
        polygons.filter(({ length }) => length > 0),
      ),
      coasts: layer(
        2,
        lines(coasts).map((line) => [line]),
      ),
      borders: layer(
        2,
        lines(borders).map((line) => [line]),
      ),
    },
    { version: 2, extent: EXTENT },
  )
}

function layer(type, geometries) {
  return { features: geometries.map((geometry) => ({ type, geometry, tags: {} })) }
}

/** Without points nearer than that to the one before; both ends stay. */
function thinned(line, least) {
  const kept = [line[0]]
  for (const point of line.slice(1, -1)) {
    const [x, y] = kept.at(-1)
    if (Math.max(Math.abs(point[0] - x), Math.abs(point[1] - y)) >= least) kept.push(point)
  }
  return [...kept, line.at(-1)]
}

/** Rings too small for a pixel are left out. */
function hasArea(ring) {
  let twice = 0
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    twice += ring[j][0] * ring[i][1] - ring[i][0] * ring[j][1]
  }
  return ring.length > 3 && Math.abs(twice) > 32
}

function packOf(name) {
  const [z, x, y] = name.split('/').map(Number)
  if (z < PACK) return 'world'
  const up = 2 ** (z - PACK)
  return `${PACK}-${Math.floor(x / up)}-${Math.floor(y / up)}`
}

function packed(members) {
  let end = 0
  const index = members.map(([name, { length }]) => [name, [(end += length) - length, length]])
  const text = Buffer.from(JSON.stringify(Object.fromEntries(index)))
  const head = Buffer.alloc(4)
  head.writeUInt32LE(text.length)
  return Buffer.concat([head, text, ...members.map(([, bytes]) => bytes)])
}
