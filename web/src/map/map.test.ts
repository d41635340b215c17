import { expect, test } from 'vitest'
import type { TrackPoint } from '../api/types'
import { graticule, stepFor } from './graticule'
import { distance, project } from './mercator'
import { Motion } from './motion'
import { cellsIn } from './places'
import { faultOf } from './settings'
import { Trail } from './trail'
import { stretches, summary, trackShapes } from './track'

const at = (x: number, heading = 0) => ({ x, y: 0.5, heading })
const STEP = 1e-5

test('a marker glides over the time between two reports', () => {
  const motion = new Motion(at(0), 0)
  motion.moveTo(at(STEP), 1000, true)
  expect(motion.at(1000).x).toBe(0)
  expect(motion.at(1500).x).toBeCloseTo(STEP / 2, 10)
  expect(motion.isGliding(1999)).toBe(true)
  expect(motion.at(2000)).toEqual(at(STEP))
  expect(motion.isGliding(2000)).toBe(false)
})

test('a report on the way begins where the marker is', () => {
  const motion = new Motion(at(0), 0)
  motion.moveTo(at(2 * STEP), 1000, true)
  motion.moveTo(at(3 * STEP), 1500, true)
  expect(motion.at(1500).x).toBeCloseTo(STEP, 10)
  expect(motion.at(2000).x).toBeCloseTo(3 * STEP, 10)
})

test('after a long silence the marker is there soon, and at once when it is far or shall not glide', () => {
  const late = new Motion(at(0), 0)
  late.moveTo(at(STEP), 60_000, true)
  expect(late.at(62_000).x).toBe(STEP)
  const far = new Motion(at(0), 0)
  far.moveTo(at(0.01), 1000, true)
  expect(far.at(1000).x).toBe(0.01)
  const still = new Motion(at(0), 0)
  still.moveTo(at(STEP), 1000, false)
  expect(still.at(1000).x).toBe(STEP)
})

test('a trail ends before the newest report and forgets', () => {
  const trail = new Trail()
  for (let second = 0; second < 100; second++) trail.add(at(second), second * 1000)
  const behind = trail.behind(99_000)
  expect(behind.at(-1)?.x).toBe(98)
  expect(behind.length).toBeLessThan(60)
  expect(trail.behind(99_000 + 121_000)).toEqual([])
})

test('an arrow turns the shorter way', () => {
  for (const [from, to, halfway] of [
    [350, 10, 0],
    [10, 350, 0],
    [90, 180, 135],
    [0, 270, 315],
  ] as const) {
    const motion = new Motion(at(0, from), 0)
    motion.moveTo(at(STEP, to), 1000, true)
    expect(motion.at(1500).heading, `${from} to ${to}`).toBeCloseTo(halfway, 6)
  }
})

test('the plane', () => {
  expect(project({ lng: 0, lat: 0 })).toEqual({ x: 0.5, y: 0.5 })
  const corner = project({ lng: -180, lat: 89 })
  expect(corner.x).toBe(0)
  expect(corner.y).toBeCloseTo(0, 6)
  // Berlin to Paris.
  expect(distance({ lat: 52.52, lng: 13.405 }, { lat: 48.8566, lng: 2.3522 }) / 1000).toBeCloseTo(877.5, 0)
})

test('the graticule suits the size of the view', () => {
  expect(stepFor(360)).toBe(30)
  expect(stepFor(0.2)).toBe(0.02)
  expect(stepFor(1e-9)).toBe(0.0005)
  const lines = graticule({ west: 13.3, south: 52.4, east: 13.5, north: 52.6 }).features
  expect(lines.map(({ properties }) => properties.text)).toContain('13.40° E')
  expect(lines.map(({ properties }) => properties.text)).toContain('52.50° N')
  expect(lines.length).toBeLessThan(40)
  const overTheEdge = graticule({ west: 170, south: -20, east: 200, north: 20 }).features
  expect(overTheEdge.map(({ properties }) => properties.text)).toContain('170° W')
})

test('cells of a view', () => {
  expect(cellsIn({ west: -1, south: 49, east: 1, north: 51 }, 10)).toEqual(['-1_4', '-1_5', '0_4', '0_5'])
})

test('templates of tiles', () => {
  expect(faultOf('https://tiles.example.com/{z}/{x}/{y}.png')).toBeNull()
  expect(faultOf('/tiles/{z}/{x}/{y}')).toBeNull()
  expect(faultOf('javascript:alert(1)')).not.toBeNull()
  expect(faultOf('https://tiles.example.com/{z}/{x}.png')).toBe('Missing: {y}.')
})

function point(minute: number, lng: number, speed = 0): TrackPoint {
  const get_time = new Date(Date.UTC(2024, 9, 16, 8, minute)).toISOString()
  return { lat: 0, lng, speed, get_time }
}

test('a track is not drawn across a gap, nor measured across it', () => {
  const points = [point(0, 0, 30), point(1, 0.01, 50), point(40, 1, 20), point(41, 1.01, 10)]
  expect(stretches(points).map(({ length }) => length)).toEqual([2, 2])
  const told = summary(points)
  expect(told?.length).toBeCloseTo(2 * 1111.95, 0)
  expect(told).toMatchObject({ maxSpeed: 50, from: points[0]?.get_time, to: points[3]?.get_time })
  expect(trackShapes(points).features.map(({ geometry }) => geometry.type)).toEqual([
    'LineString',
    'LineString',
    'Point',
  ])
  expect(summary([])).toBeNull()
  expect(trackShapes([]).features).toEqual([])
})
