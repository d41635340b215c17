import { expect, test } from 'vitest'
import type { TrackPoint } from '../api/types'
import { continued } from './today'

function at(second: number): TrackPoint {
  const get_time = new Date(Date.UTC(2024, 9, 16, 8, 0, second)).toISOString()
  return { lat: 0, lng: second, speed: 0, get_time }
}

test('live points continue a track, without those that it has', () => {
  const seconds = (points: readonly TrackPoint[]) => points.map(({ lng }) => lng)
  expect(seconds(continued([at(1), at(2)], [at(1), at(2), at(3)]))).toEqual([1, 2, 3])
  expect(seconds(continued([], [at(1)]))).toEqual([1])
  const read = [at(1), at(2)]
  expect(continued(read, [at(2)])).toBe(read)
})
