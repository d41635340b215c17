// Shapes on the plane of Web Mercator, x and y from 0 to WORLD: how they get there and how they are cut. Rings that
// were cut apart come out as separate rings, closed along the edges of the box.

import { geoArea, geoIdentity, geoMercator, geoStream } from 'd3-geo'

/** Large, because the clipping takes points that are nearer than 1e-6 for the same. */
export const WORLD = 2 ** 20

/** Polygons of the sphere, cut open at 180°. */
export function projectPolygons(geometry) {
  return polygonsOf(geometry).flatMap((rings) => {
    const polygon = { type: 'Polygon', coordinates: rings }
    // An islet that goes round the wrong way would be the world without it.
    const isInsideOut = geoArea(polygon) > 2 * Math.PI
    const coordinates = isInsideOut ? rings.map((ring) => ring.toReversed()) : rings
    return grouped(parts({ type: 'Polygon', coordinates }, mercator()).map(closed))
  })
}

export function projectLines(geometry) {
  return parts(geometry, mercator())
}

/** Straight lines stay straight on the map. */
function mercator() {
  const half = WORLD / 2
  return geoMercator()
    .scale(half / Math.PI)
    .translate([half, half])
    .precision(0)
}

function polygonsOf({ type, geometries, coordinates }) {
  if (type === 'GeometryCollection') return geometries.flatMap(polygonsOf)
  return type === 'Polygon' ? [coordinates] : coordinates
}

/** Polygons are [outer ring, ...holes]; a box is [left, top, right, bottom]. */
export function clipPolygons(polygons, box) {
  return polygons.flatMap((rings) => {
    if (!touches(rings[0], box)) return []
    if (within(rings[0], box)) return [rings]
    return grouped(parts({ type: 'Polygon', coordinates: rings }, clip(box)).map(closed))
  })
}

export function clipLines(lines, box) {
  return lines.flatMap((line) => {
    if (!touches(line, box)) return []
    return within(line, box) ? [line] : parts({ type: 'LineString', coordinates: line }, clip(box))
  })
}

function clip([left, top, right, bottom]) {
  return geoIdentity().clipExtent([
    [left, top],
    [right, bottom],
  ])
}

/** The lines or rings that come out of a projection. */
function parts(geometry, projection) {
  const all = []
  const sink = {
    point: (x, y) => all.at(-1).push([x, y]),
    lineStart: () => all.push([]),
    lineEnd: () => undefined,
    polygonStart: () => undefined,
    polygonEnd: () => undefined,
  }
  geoStream(geometry, projection.stream(sink))
  return all.filter((part) => part.length > 1)
}

/** Outer rings with their holes: outer rings go round clockwise, as one sees them on a map. */
function grouped(rings) {
  const polygons = rings.filter((ring) => area(ring) > 0).map((ring) => [ring])
  for (const hole of rings.filter((ring) => area(ring) < 0)) {
    const owner = polygons.find(([ring]) => contains(ring, hole[0]))
    owner?.push(hole)
  }
  return polygons
}

function closed(ring) {
  const [first] = ring
  const last = ring.at(-1)
  return first[0] === last[0] && first[1] === last[1] ? ring : [...ring, first]
}

function extent(line) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const [x, y] of line) {
    left = Math.min(left, x)
    top = Math.min(top, y)
    right = Math.max(right, x)
    bottom = Math.max(bottom, y)
  }
  return [left, top, right, bottom]
}

function touches(line, [left, top, right, bottom]) {
  const [l, t, r, b] = extent(line)
  return l <= right && r >= left && t <= bottom && b >= top
}

function within(line, [left, top, right, bottom]) {
  const [l, t, r, b] = extent(line)
  return l >= left && r <= right && t >= top && b <= bottom
}

function area(ring) {
  let twice = 0
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    twice += ring[j][0] * ring[i][1] - ring[i][0] * ring[j][1]
  }
  return twice
}

function contains(ring, [x, y]) {
  let isInside = false
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [ring[i], ring[j]]
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) isInside = !isInside
  }
  return isInside
}
