// Where the names of countries stand.

import polylabel from 'polylabel'
import { feature } from 'topojson-client'

export function countryLabels(atlas) {
  const labels = feature(atlas, atlas.objects.countries).features.map(({ properties, geometry }) => {
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates
    const largest = polygons.reduce((best, polygon) => (area(polygon[0]) > area(best[0]) ? polygon : best))
    const [lng, lat] = polylabel(largest, 0.1)
    // On the ground a square degree shrinks towards the poles.
    const size = area(largest[0]) * Math.cos((lat * Math.PI) / 180)
    return {
      type: 'Feature',
      properties: { name: properties.name, size: rounded(size, 1) },
      geometry: { type: 'Point', coordinates: [rounded(lng, 2), rounded(lat, 2)] },
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

function rounded(number, decimals) {
  return Number(number.toFixed(decimals))
}
