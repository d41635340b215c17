// Keeps the store true: reads the fleet once, follows the feed, and asks again while there is no feed.

import { call } from '../api/client'
import { endsSession, inWords } from '../api/failure'
import { Feed, feedUrl, type Link } from '../api/feed'
import type { ActionName, Parameters } from '../api/types'
import { heardServerTime } from '../ui/clock'
import type { FleetStore } from './store'

/** Between two questions while the feed is down. */
const POLL = 3_000
/** Between two questions while it is up: what it may have missed, and trackers that were added. */
const REVIEW = 60_000
/** After the fleet could not be read at all. */
const RETRY = 5_000
/** The most trackers that get_states takes at once. */
const AT_ONCE = 2_000

export class LiveFleet {
  private feed: Feed | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly stopping = new AbortController()

  constructor(
    private readonly store: FleetStore,
    private readonly hash: string,
    private readonly onSessionEnd: () => void,
  ) {
    void this.start()
  }

  stop() {
    this.stopping.abort()
    clearTimeout(this.timer)
    this.feed?.close()
  }

  private async start() {
    await this.attempt(async () => {
      const [{ user_info }] = await Promise.all([this.call('user/get_info', {}), this.readTrackers()])
      await this.readStates()
      this.store.change({ user: user_info, failure: null })
    })
    if (this.stopping.signal.aborted) return
    if (this.store.snapshot().user === null) {
      this.timer = setTimeout(() => void this.start(), RETRY)
      return
    }
    this.feed = new Feed(feedUrl(window.location), this.hash, {
      states: (states, serverTime) => {
        heardServerTime(serverTime)
        this.store.take(states)
      },
      happened: (event) => this.store.happened(event),
      link: (link) => this.linked(link),
      lifecycle: () => void this.attempt(() => this.readTrackers()),
      ended: this.onSessionEnd,
    })
    this.schedule()
  }

  private linked(link: Link) {
    const before = this.store.snapshot().link
    if (link === before) return
    // While it tries again the feed is still down for the person who looks at it.
    if (link === 'connecting' && before === 'down') return
    this.store.change({ link })
    this.schedule()
  }

  private schedule() {
    clearTimeout(this.timer)
    const isLive = this.store.snapshot().link === 'live'
    this.timer = setTimeout(() => void this.review(), isLive ? REVIEW : POLL)
  }

  private async review() {
    await this.attempt(async () => {
      if (this.store.snapshot().link === 'live') await this.readTrackers()
      await this.readStates()
      this.store.change({ failure: null })
      if (this.store.snapshot().link === 'down') this.feed?.hurry()
    })
    if (!this.stopping.signal.aborted) this.schedule()
  }

  private async readTrackers() {
    const [trackers, groups] = await Promise.all([this.call('tracker/list', {}), this.call('tracker/group/list', {})])
    this.store.change({ trackers: trackers.list, groups: groups.list })
  }

  private async readStates() {
    const ids = this.store.snapshot().trackers.map(({ id }) => id)
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const trackers = ids.slice(from, from + AT_ONCE)
      const answer = await this.call('tracker/get_states', { trackers, list_blocked: true, allow_not_exist: true })
      heardServerTime(answer.user_time)
      this.store.take(Object.values(answer.states))
    }
  }

  private async attempt(work: () => Promise<void>) {
    try {
      await work()
    } catch (thrown) {
      if (this.stopping.signal.aborted) return
      if (endsSession(thrown)) this.onSessionEnd()
      else this.store.change({ failure: inWords(thrown) })
    }
  }

  private call<Name extends ActionName>(action: Name, parameters: Parameters<Name>) {
    return call(action, parameters, this.hash, this.stopping.signal)
  }
}
