// The map's plane: Web Mercator, x and y from 0 to 1, y down.

export interface Point {
  x: number
  y: number
}

export interface Place {
  lng: number
  lat: number
}

/** CSS pixels of the world's edge at zoom 0. */
export const WORLD = 512

/** Where the plane ends. */
const LAST_LATITUDE = 85.051129
const EARTH_RADIUS = 6_371_008.8

export function project({ lng, lat }: Place): Point {
  const radians = (Math.max(-LAST_LATITUDE, Math.min(LAST_LATITUDE, lat)) * Math.PI) / 180
  return { x: lng / 360 + 0.5, y: 0.5 - Math.log(Math.tan(Math.PI / 4 + radians / 2)) / (2 * Math.PI) }
}

/** Metres over the ground. */
export function distance(one: Place, other: Place): number {
  const rad = Math.PI / 180
  const dLat = (other.lat - one.lat) * rad
  const dLng = (other.lng - one.lng) * rad
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(one.lat * rad) * Math.cos(other.lat * rad) * Math.sin(dLng / 2) ** 2
  return 2 * EARTH_RADIUS * Math.asin(Math.min(1, Math.sqrt(h)))
}
