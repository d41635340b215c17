// How a marker gets from one report to the next: it glides over about the time between them, so that it neither
// jumps nor falls far behind.

import type { Point } from './mercator'

export interface Pose extends Point {
  /** Degrees clockwise from north. */
  heading: number
}

const SHORTEST_GLIDE = 250
/** However rare the reports are, the marker is where the device said after this long. Milliseconds. */
const LONGEST_GLIDE = 2_000
/** About 5 km: whoever moved that far between two reports was not seen driving there. */
const JUMP = 5 / 40_000

export class Motion {
  private from: Pose
  private start = -Infinity
  private duration = 0
  private reported: number

  constructor(
    private to: Pose,
    now: number,
  ) {
    this.from = to
    this.reported = now
  }

  /** A new report; `glide` false puts the marker there at once. Answers how it was moved. */
  moveTo(pose: Pose, now: number, glide: boolean): 'here' | 'there' | 'far-away' {
    const { to } = this
    if (pose.x === to.x && pose.y === to.y && pose.heading === to.heading) return 'here'
    const sinceReport = now - this.reported
    const isFar = Math.hypot(pose.x - to.x, pose.y - to.y) > JUMP
    this.from = this.at(now)
    this.to = pose
    this.start = now
    this.duration = glide && !isFar ? Math.min(LONGEST_GLIDE, Math.max(SHORTEST_GLIDE, sinceReport)) : 0
    this.reported = now
    return isFar ? 'far-away' : 'there'
  }

  at(now: number): Pose {
    const { from, to } = this
    const share = this.duration === 0 ? 1 : (now - this.start) / this.duration
    if (share >= 1) return to
    return {
      x: from.x + (to.x - from.x) * share,
      y: from.y + (to.y - from.y) * share,
      heading: turn(from.heading, to.heading, share),
    }
  }

  isGliding(now: number): boolean {
    return now < this.start + this.duration
  }
}

/** The shorter way round. */
function turn(from: number, to: number, share: number): number {
  const difference = ((((to - from) % 360) + 540) % 360) - 180
  return (from + difference * share + 360) % 360
}
