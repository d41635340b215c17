import { expect, test } from 'vitest'
import { ago, coordinates, formats, heading, startOfDay, words } from './format'

const NOON = Date.parse('2024-10-16T12:00:00Z')

test('figures in the units of the user', () => {
  const metric = formats('metric', 'UTC')
  const us = formats('us', 'UTC')
  const imperial = formats('imperial', 'UTC')
  expect(metric.speed(88.5)).toBe('89 km/h')
  expect(us.speed(88.5)).toBe('55 mph')
  expect(imperial.speed(88.5)).toBe('55 mph')
  expect(metric.distance(999)).toBe('999 m')
  expect(metric.distance(1234)).toBe('1.2 km')
  expect(metric.distance(123_456)).toBe('123 km')
  expect(us.distance(16_093)).toBe('10.0 mi')
  expect(metric.altitude(34)).toBe('34 m')
  expect(us.altitude(100)).toBe('328 ft')
})

test('moments in the zone of the user, with the day when it is not today', () => {
  const berlin = formats('metric', 'Europe/Berlin')
  expect(berlin.moment('2024-10-16T09:05:03+00:00', NOON)).toBe('11:05:03')
  expect(berlin.moment('2024-10-15T22:30:00+00:00', NOON)).toBe('00:30:00')
  expect(berlin.moment('2024-10-15T21:30:00+00:00', NOON)).toBe('15 Oct 2024, 23:30:00')
  expect(formats('metric', 'Nowhere/Land').moment('2024-10-16T09:05:03+00:00', NOON)).toBe('09:05:03')
})

test('how long ago', () => {
  for (const [seconds, expected] of [
    [-10, 'just now'],
    [4, 'just now'],
    [5, '5 s ago'],
    [59, '59 s ago'],
    [60, '1 min ago'],
    [3599, '59 min ago'],
    [3600, '1 h ago'],
    [47 * 3600, '47 h ago'],
    [48 * 3600, '2 days ago'],
  ] as const) {
    expect(ago(new Date(NOON - seconds * 1000).toISOString(), NOON)).toBe(expected)
  }
})

test('the day begins at midnight of the zone, also when the clocks change', () => {
  for (const [now, zone, expected] of [
    ['2024-10-16T12:00:00Z', 'UTC', '2024-10-16T00:00:00Z'],
    ['2024-10-16T12:00:00Z', 'Asia/Yekaterinburg', '2024-10-15T19:00:00Z'],
    ['2024-10-16T20:00:00Z', 'Asia/Yekaterinburg', '2024-10-16T19:00:00Z'],
    ['2024-10-16T12:00:00Z', 'America/St_Johns', '2024-10-16T02:30:00Z'],
    // Berlin's days of 23 and of 25 hours, in the evening.
    ['2024-03-31T18:00:00Z', 'Europe/Berlin', '2024-03-30T23:00:00Z'],
    ['2024-10-27T18:00:00Z', 'Europe/Berlin', '2024-10-26T22:00:00Z'],
    // Beirut's clocks skip midnight itself: the day begins at one.
    ['2024-03-31T12:00:00Z', 'Asia/Beirut', '2024-03-30T22:00:00Z'],
  ] as const) {
    expect(startOfDay(Date.parse(now), zone), `${now} ${zone}`).toEqual(new Date(expected))
  }
})

test('names and places', () => {
  expect(words('can_fuel_litres')).toBe('Can fuel litres')
  expect(coordinates(52.52, -13.405)).toBe('52.52000, -13.40500')
  for (const [degrees, expected] of [
    [0, '0° N'],
    [22, '22° N'],
    [23, '23° NE'],
    [180, '180° S'],
    [350, '350° N'],
  ] as const) {
    expect(heading(degrees)).toBe(expected)
  }
})
