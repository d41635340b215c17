// The live feed: one WebSocket that brings states as they change, opened again with growing pauses when it breaks.

import type { State } from './types'

/** `live` once the server confirmed the subscription. */
export type Link = 'connecting' | 'live' | 'down'

/** What happened to a tracker, as far as the console needs it. */
export interface Happening {
  id: number
  tracker_id: number
}

export interface FeedListener {
  states(states: State[], serverTime: string | undefined): void
  /** Something stands in the history of the tracker's events. */
  happened(event: Happening): void
  link(link: Link): void
  /** A source was blocked, unblocked or removed. */
  lifecycle(): void
  /** The session is over; the feed has closed itself. */
  ended(): void
}

type Frame =
  | { type: 'response'; events?: string[] }
  | { type: 'event'; event: 'state_batch'; user_time?: string; data: State[] }
  | { type: 'event'; event: 'state'; user_time?: string; data: State }
  | { type: 'event'; event: 'event'; data: Happening }
  | { type: 'event'; event: 'lifecycle' }
  | { type: 'event'; event: 'logout' }
  | { type: 'error'; status?: { code: number } }

const SHORTEST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000
/** A connection that takes longer counts as broken. */
const PATIENCE = 10_000

/** Milliseconds before attempt number `attempt` (from 0); `chance` in 0..1 keeps many clients from coming at once. */
export function pauseBefore(attempt: number, chance: number): number {
  return Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** attempt) * (0.5 + chance / 2)
}

export class Feed {
  private socket: WebSocket | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private attempt = 0
  private closed = false

  constructor(
    private readonly url: string,
    private readonly hash: string,
    private readonly listener: FeedListener,
  ) {
    window.addEventListener('online', this.hurry)
    this.open()
  }

  close() {
    this.closed = true
    clearTimeout(this.timer)
    window.removeEventListener('online', this.hurry)
    this.socket?.close()
  }

  private open() {
    this.listener.link('connecting')
    const socket = new WebSocket(this.url)
    this.socket = socket
    this.timer = setTimeout(() => socket.close(), PATIENCE)
    socket.onopen = () => socket.send(JSON.stringify(subscription(this.hash)))
    socket.onmessage = ({ data }) => {
      if (!this.closed) this.take(readFrame(data))
    }
    socket.onclose = () => this.retry()
  }

  private retry() {
    clearTimeout(this.timer)
    if (this.closed) return
    this.listener.link('down')
    this.timer = setTimeout(() => this.open(), pauseBefore(this.attempt++, Math.random()))
  }

  /** Tries at once what would be tried later: something tells that the server can be reached again. */
  readonly hurry = () => {
    if (this.socket?.readyState !== WebSocket.CLOSED) return
    clearTimeout(this.timer)
    this.attempt = 0
    this.open()
  }

  private take(frame: Frame | null) {
    if (frame === null) return
    switch (frame.type) {
      case 'response':
        return frame.events?.includes('state_batch') ? this.confirm() : this.socket?.close()
      case 'error':
        if (frame.status?.code === 3 || frame.status?.code === 4) this.end()
        else this.socket?.close()
        return
      case 'event':
        return this.takeEvent(frame)
    }
  }

  private confirm() {
    clearTimeout(this.timer)
    this.attempt = 0
    this.listener.link('live')
  }

  private takeEvent(frame: Extract<Frame, { type: 'event' }>) {
    switch (frame.event) {
      case 'state_batch':
        return this.listener.states(frame.data, frame.user_time)
      case 'state':
        return this.listener.states([frame.data], frame.user_time)
      case 'event':
        return this.listener.happened(frame.data)
      case 'lifecycle':
        return this.listener.lifecycle()
      case 'logout':
        return this.end()
    }
  }

  private end() {
    this.close()
    this.listener.ended()
  }
}

function subscription(hash: string) {
  return {
    action: 'subscription/subscribe',
    hash,
    iso_datetime: true,
    requests: [
      { type: 'state_batch', target: { type: 'all' }, rate_limit: '1s', format: 'full' },
      { type: 'event', target: { type: 'all' } },
    ],
  }
}

/** Null for what is not a frame of the API, as a heartbeat. */
export function readFrame(text: unknown): Frame | null {
  try {
    const frame: unknown = JSON.parse(String(text))
    return typeof frame === 'object' && frame !== null && 'type' in frame ? (frame as Frame) : null
  } catch {
    return null
  }
}

export function feedUrl(page: Location): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/v2/event/subscription`
}
