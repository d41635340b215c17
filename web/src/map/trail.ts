// The last stretch of a marker's way, drawn behind it so that one sees where it comes from.

import type { Point } from './mercator'

const MOST_POINTS = 40
/** What is older is forgotten. Milliseconds. */
const LIFE = 120_000

export class Trail {
  private points: (Point & { time: number })[] = []

  /** A report at a time. */
  add({ x, y }: Point, time: number) {
    this.points.push({ x, y, time })
    if (this.points.length > MOST_POINTS) this.points.shift()
  }

  clear() {
    this.points = []
  }

  /** The reports that are not too old, oldest first; the newest is left out, as the marker is still on its way there. */
  behind(now: number): readonly Point[] {
    while (this.points[0] !== undefined && this.points[0].time < now - LIFE) this.points.shift()
    return this.points.slice(0, -1)
  }
}
