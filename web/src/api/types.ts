// What the API's actions take and answer, from its own description: schema.ts is generated of docs/openapi.json. Dates
// are ISO 8601: every call asks for that form.

import type { components, paths } from './schema'

type Schemas = components['schemas']

export type State = Schemas['StateObject']
export type Tracker = Schemas['TrackerObject']
export type Group = Schemas['GroupObject']
export type LoggedCommand = Schemas['Logged']
export type UserInfo = Schemas['UserInfo']
export type ConnectionStatus = State['connection_status']
export type MovementStatus = State['movement_status']

/** A point of a track; the console makes some itself, of what the feed brings. */
export interface TrackPoint {
  lat: number
  lng: number
  get_time: string
  /** km/h */
  speed: number
}

/** Actions that the description does not have yet. */
interface Undescribed {
  'track/read': {
    parameters: { tracker_id: number; from: string; to: string; simplify: boolean; point_limit: number }
    answer: { list: TrackPoint[] }
  }
}

type Described = keyof paths extends `/${infer Name}` ? Name : never
export type ActionName = Exclude<Described, keyof Undescribed> | keyof Undescribed

export type Parameters<Name extends ActionName> = Name extends keyof Undescribed
  ? Undescribed[Name]['parameters']
  : Operation<Name> extends { requestBody?: { content: { 'application/json': infer Body } } }
    ? Body
    : Record<string, never>

export type Answer<Name extends ActionName> = Name extends keyof Undescribed
  ? Undescribed[Name]['answer']
  : Operation<Name> extends { responses: { 200: { content: { 'application/json': infer Body } } } }
    ? Body
    : never

type Operation<Name extends ActionName> = `/${Name}` extends keyof paths ? paths[`/${Name}`]['post'] : never
