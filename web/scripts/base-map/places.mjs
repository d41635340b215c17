// Names of places, cut into cells, so that a browser loads only those it looks at. A place is written as
// [name, longitude, latitude, population, kind]; kinds: 2 capital, 1 part of a city, 0 other.

/** Edge of a cell in degrees. */
const CELL = 10
/** Places of at least this population are known everywhere; smaller ones come with their cell. */
const MAJOR = 100_000
const MINOR = 1_000

const KINDS = { PPLC: 2, PPLX: 1 }

/** Names of files and their text; places.json comes last. */
export function placeCells(cities) {
  const major = []
  const cells = new Map()
  for (const { name, population, featureCode, loc } of cities) {
    const [lng, lat] = loc.coordinates
    const kind = KINDS[featureCode] ?? 0
    const place = [name, Number(lng.toFixed(4)), Number(lat.toFixed(4)), population, kind]
    if (kind === 2 || (kind === 0 && population >= MAJOR)) {
      major.push(place)
    } else if (population >= MINOR) {
      const key = `${Math.floor(lng / CELL)}_${Math.floor(lat / CELL)}`
      if (!cells.has(key)) cells.set(key, [])
      cells.get(key).push(place)
    }
  }
  const files = [...cells].map(([key, places]) => [`places/${key}.json`, JSON.stringify(byPopulation(places))])
  const index = { cell: CELL, cells: [...cells.keys()].sort(), major: byPopulation(major) }
  return [...files, ['places.json', JSON.stringify(index)]]
}

function byPopulation(places) {
  return places.sort((one, other) => other[3] - one[3])
}
