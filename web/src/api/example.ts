// Objects of the API for tests, of which a test says only what matters to it.

import type { State, Tracker } from './types'

export function exampleState(part: Partial<State>): State {
  return {
    source_id: 1,
    gps: { updated: null, signal_level: null, location: { lat: 0, lng: 0 }, heading: 0, speed: 0, alt: null },
    connection_status: 'just_registered',
    movement_status: 'parked',
    movement_status_update: null,
    ignition: null,
    ignition_update: null,
    last_update: null,
    gsm: null,
    battery_level: null,
    battery_update: null,
    inputs: [],
    inputs_update: null,
    outputs: [],
    outputs_update: null,
    actual_track_update: null,
    ...part,
  }
}

export function exampleTracker(part: Partial<Tracker>, source: Partial<Tracker['source']>): Tracker {
  return {
    id: 1,
    label: 'Van 1',
    group_id: 0,
    clone: false,
    source: {
      id: 1,
      device_id: '356307042441013',
      model: 'telfmb920',
      blocked: false,
      tariff_id: 1,
      phone: null,
      status_listing_id: null,
      creation_date: '2024-10-16',
      tariff_end_date: null,
      ...source,
    },
    ...part,
  }
}
