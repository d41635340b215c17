// What the API's actions answer, as far as the console reads it. Dates are ISO 8601: every call asks for that form.

export type ConnectionStatus = 'signal_lost' | 'just_registered' | 'offline' | 'idle' | 'active'
export type MovementStatus = 'moving' | 'stopped' | 'parked'

export interface Tracker {
  id: number
  label: string
  group_id: number
  clone: boolean
  source: Source
}

export interface Source {
  id: number
  device_id: string | null
  model: string
  blocked: boolean
  tariff_id: number
  phone: string | null
  creation_date: string
  tariff_end_date: string | null
}

/** Group 0 always exists and is never listed. */
export interface Group {
  id: number
  title: string
  /** RRGGBB */
  color: string
}

export interface State {
  source_id: number
  gps: Gps
  connection_status: ConnectionStatus
  movement_status: MovementStatus
  movement_status_update?: string | null
  ignition?: boolean | null
  ignition_update?: string | null
  last_update: string | null
  gsm?: Gsm | null
  battery_level?: number | null
  battery_update?: string | null
  inputs?: boolean[]
  inputs_update?: string | null
  outputs?: boolean[]
  outputs_update?: string | null
  additional?: Record<string, { value: string; updated: string }>
  actual_track_update?: string | null
}

export interface Gps {
  /** Null before the first fix; the location is 0,0 until then. */
  updated: string | null
  /** Per cent. */
  signal_level: number | null
  location: { lat: number; lng: number }
  /** Degrees clockwise from north. */
  heading: number
  /** km/h in every measurement system. */
  speed: number
  /** Metres. */
  alt: number | null
  /** Metres. */
  precision?: number | null
  /** Whether the position was learned from cells. */
  gsm_lbs?: boolean
}

export interface Gsm {
  updated: string | null
  /** Per cent. */
  signal_level: number | null
  network_name: string | null
  roaming: boolean | null
}

export interface TrackPoint {
  lat: number
  lng: number
  alt: number | null
  satellites: number | null
  get_time: string
  heading: number
  speed: number
  parking?: boolean
}

export interface UserInfo {
  id: number
  login: string
  title: string
  locale: string
  /** As in the IANA database. */
  time_zone: string
  measurement_system: string
}

export interface Actions {
  'user/auth': { call: { login: string; password: string }; answer: { hash: string } }
  'user/logout': { call: object; answer: object }
  'user/get_info': { call: object; answer: { user_info: UserInfo } }
  'tracker/list': { call: object; answer: { list: Tracker[] } }
  'tracker/group/list': { call: object; answer: { list: Group[] } }
  'tracker/get_states': {
    call: { trackers: number[]; list_blocked: true; allow_not_exist: true }
    answer: { user_time: string; states: Record<string, State>; blocked: number[]; not_exist: number[] }
  }
  'track/read': {
    call: { tracker_id: number; from: string; to: string; simplify: boolean; point_limit: number }
    answer: { list: TrackPoint[] }
  }
}

export type ActionName = keyof Actions
