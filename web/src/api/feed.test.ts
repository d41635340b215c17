import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Feed, pauseBefore, readFrame, type FeedListener } from './feed'

class Socket extends EventTarget {
  static opened: Socket[] = []
  static readonly CLOSED = 3
  readyState = 0
  sent: string[] = []
  onopen?: () => void
  onmessage?: (event: { data: string }) => void
  onclose?: () => void

  constructor(readonly url: string) {
    super()
    Socket.opened.push(this)
  }

  send(text: string) {
    this.sent.push(text)
  }

  close() {
    if (this.readyState === Socket.CLOSED) return
    this.readyState = Socket.CLOSED
    this.onclose?.()
  }

  says(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) })
  }
}

const CONFIRMED = { type: 'response', events: ['event', 'state_batch'] }
let heard: string[]
let feed: Feed
const listener: FeedListener = {
  states: (states) => heard.push(`states ${states.map(({ source_id }) => source_id).join(' ')}`),
  happened: ({ tracker_id }) => heard.push(`happened ${tracker_id}`),
  link: (link) => heard.push(link),
  lifecycle: () => heard.push('lifecycle'),
  ended: () => heard.push('ended'),
}
const socket = () => Socket.opened.at(-1)!

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', Socket)
  vi.stubGlobal('window', new EventTarget())
  Socket.opened = []
  heard = []
  feed = new Feed('ws://server/v2/event/subscription', 'secret', listener)
})
afterEach(() => {
  feed.close()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

test('it subscribes with the hash in the frame, not in the address', () => {
  socket().onopen?.()
  expect(socket().url).not.toContain('secret')
  expect(JSON.parse(socket().sent[0]!)).toMatchObject({ action: 'subscription/subscribe', hash: 'secret' })
  socket().says(CONFIRMED)
  socket().says({ type: 'event', event: 'state_batch', data: [{ source_id: 1 }, { source_id: 2 }] })
  socket().says({ type: 'event', event: 'event', data: { id: 5, tracker_id: 7 } })
  socket().says({ type: 'event', event: 'lifecycle', data: {} })
  socket().onmessage?.({ data: 'X' })
  expect(heard).toEqual(['connecting', 'live', 'states 1 2', 'happened 7', 'lifecycle'])
})

test('it comes back with growing pauses, and at once when the network is back', () => {
  socket().close()
  expect(heard).toEqual(['connecting', 'down'])
  vi.advanceTimersByTime(1000)
  expect(Socket.opened).toHaveLength(2)
  socket().close()
  vi.advanceTimersByTime(999)
  expect(Socket.opened).toHaveLength(2)
  window.dispatchEvent(new Event('online'))
  expect(Socket.opened).toHaveLength(3)
})

test('a server that does not confirm counts as broken', () => {
  socket().onopen?.()
  vi.advanceTimersByTime(10_000)
  expect(heard).toEqual(['connecting', 'down'])
})

test.each([
  { type: 'event', event: 'logout', data: 'session closed' },
  { type: 'error', status: { code: 4 } },
])('a session that ends ends the feed for good: %j', (frame) => {
  socket().says(frame)
  vi.advanceTimersByTime(60_000)
  expect(heard).toEqual(['connecting', 'ended'])
  expect(Socket.opened).toHaveLength(1)
})

test('pauses double up to half a minute and are spread', () => {
  expect([0, 1, 2, 3, 4, 5, 20].map((attempt) => pauseBefore(attempt, 1))).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
  ])
  expect(pauseBefore(3, 0)).toBe(4000)
})

test('what is no frame is no frame', () => {
  for (const text of ['X', '', '5', 'null', '[]', '{}', '{']) expect(readFrame(text), text).toBeNull()
})
