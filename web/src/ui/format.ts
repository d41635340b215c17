// How figures, moments and units are written.

const KM_PER_MILE = 1.609344
const FEET_PER_METRE = 3.28084

export interface Formats {
  /** "42 km/h"; input in km/h. */
  speed(kmh: number): string
  /** "1.2 km"; input in metres. */
  distance(metres: number): string
  /** "120 m"; input in metres. */
  altitude(metres: number): string
  /** "14:03:12", with the day when it is not today. */
  moment(iso: string, now: number): string
}

/** For a user's measurement system and IANA time zone. */
export function formats(measurementSystem: string, timeZone: string): Formats {
  const miles = measurementSystem === 'us' || measurementSystem === 'imperial'
  const time = dateFormat(timeZone, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
  const day = dateFormat(timeZone, { day: 'numeric', month: 'short', year: 'numeric' })
  return {
    speed: (kmh) => (miles ? `${Math.round(kmh / KM_PER_MILE)} mph` : `${Math.round(kmh)} km/h`),
    distance: (metres) => (miles ? inMiles(metres) : inKilometres(metres)),
    altitude: (metres) => (miles ? `${Math.round(metres * FEET_PER_METRE)} ft` : `${Math.round(metres)} m`),
    moment: (iso, now) => {
      const date = new Date(iso)
      const sameDay = day.format(date) === day.format(now)
      return sameDay ? time.format(date) : `${day.format(date)}, ${time.format(date)}`
    },
  }
}

/** "just now", "12 s ago", "5 min ago", "3 h ago", "12 days ago". */
export function ago(iso: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(iso)) / 1000)
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ago`
  return `${Math.floor(hours / 24)} days ago`
}

const WINDS = ['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'] as const

/** "90° E" */
export function heading(degrees: number): string {
  const wind = WINDS[Math.round(degrees / 45) % 8] ?? 'N'
  return `${Math.round(degrees)}° ${wind}`
}

/** "52.52000, 13.40500" */
export function coordinates(lat: number, lng: number): string {
  return `${lat.toFixed(5)}, ${lng.toFixed(5)}`
}

/** "can_fuel_litres" → "Can fuel litres" */
export function words(name: string): string {
  const spaced = name.replaceAll('_', ' ')
  return spaced.charAt(0).toUpperCase() + spaced.slice(1)
}

export function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}

/** The moment at which the user's calendar day began. */
export function startOfDay(now: number, timeZone: string): Date {
  const { year, month, day } = wallClock(now, timeZone)
  const midnight = Date.UTC(year, month - 1, day)
  // Midnight by the offset of now; where the clocks changed since, by the offset at that moment.
  const guess = midnight - offset(now, timeZone)
  return new Date(midnight - offset(guess, timeZone))
}

/** Milliseconds that the zone is ahead of UTC. */
function offset(moment: number, timeZone: string): number {
  const { year, month, day, hour, minute, second } = wallClock(moment, timeZone)
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000
}

function wallClock(moment: number, timeZone: string) {
  const parts = dateFormat(timeZone, {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(moment)
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((part) => part.type === type)?.value)
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
  }
}

/** A zone that this browser does not know counts as UTC. */
function dateFormat(timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const complete = { ...options, hourCycle: 'h23' } as const
  try {
    return new Intl.DateTimeFormat('en-GB', { ...complete, timeZone })
  } catch {
    return new Intl.DateTimeFormat('en-GB', { ...complete, timeZone: 'UTC' })
  }
}

function inKilometres(metres: number): string {
  if (metres < 1000) return `${Math.round(metres)} m`
  const km = metres / 1000
  return `${km < 100 ? km.toFixed(1) : Math.round(km)} km`
}

function inMiles(metres: number): string {
  const miles = metres / 1000 / KM_PER_MILE
  return `${miles < 100 ? miles.toFixed(1) : Math.round(miles)} mi`
}
