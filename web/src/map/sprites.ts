// Pictures of markers and labels, drawn once and stamped many times.

import { STATUSES, type Status } from '../fleet/status'
import type { Colours } from './colours'

/** An arrow goes somewhere, a disc has stopped, a ring is parked. */
export type Shape = 'arrow' | 'disc' | 'ring'
const SHAPES: readonly Shape[] = ['arrow', 'disc', 'ring']

export interface Sprite {
  image: HTMLCanvasElement
  /** CSS pixels. */
  width: number
  height: number
}

/** CSS pixels of a marker's edge at full size. */
const MARKER = 34
/** Text in CSS pixels. */
const TEXT = 12
const MOST_LABELS = 4_000

export class Sprites {
  private readonly markers = new Map<string, Sprite>()
  private readonly labels = new Map<string, Sprite>()

  constructor(
    private readonly colours: Colours,
    private readonly density: number,
  ) {
    for (const status of STATUSES) {
      for (const shape of SHAPES) this.markers.set(status + shape, this.drawMarker(status, shape))
    }
  }

  marker(status: Status, shape: Shape): Sprite | undefined {
    return this.markers.get(status + shape)
  }

  label(text: string): Sprite {
    const known = this.labels.get(text)
    if (known !== undefined) return known
    if (this.labels.size >= MOST_LABELS) this.labels.clear()
    const drawn = this.drawLabel(text)
    this.labels.set(text, drawn)
    return drawn
  }

  private drawMarker(status: Status, shape: Shape): Sprite {
    const { sprite, context } = this.blank(MARKER, MARKER)
    context.translate(MARKER / 2, MARKER / 2)
    context.fillStyle = this.colours.marker[status]
    context.strokeStyle = this.colours.rim
    context.lineWidth = 2
    context.lineJoin = 'round'
    context.shadowColor = 'rgb(0 0 0 / 35%)'
    context.shadowBlur = 3 * this.density
    context.shadowOffsetY = this.density
    context.beginPath()
    if (shape === 'arrow') {
      context.moveTo(0, -12)
      context.lineTo(9, 10)
      context.lineTo(0, 5.5)
      context.lineTo(-9, 10)
      context.closePath()
    } else {
      context.arc(0, 0, 7.5, 0, 2 * Math.PI)
    }
    context.stroke()
    context.shadowColor = 'transparent'
    context.fill()
    if (shape === 'ring') {
      context.fillStyle = this.colours.rim
      context.beginPath()
      context.arc(0, 0, 3.8, 0, 2 * Math.PI)
      context.fill()
    }
    return sprite
  }

  private drawLabel(text: string): Sprite {
    const font = `600 ${TEXT}px system-ui, sans-serif`
    const measure = this.blank(1, 1).context
    measure.font = font
    const { sprite, context } = this.blank(Math.ceil(measure.measureText(text).width) + 6, TEXT + 8)
    context.font = font
    context.textBaseline = 'middle'
    context.lineJoin = 'round'
    context.lineWidth = 3.5
    context.strokeStyle = this.colours.labelHalo
    context.strokeText(text, 3, sprite.height / 2)
    context.fillStyle = this.colours.label
    context.fillText(text, 3, sprite.height / 2)
    return sprite
  }

  private blank(width: number, height: number): { sprite: Sprite; context: CanvasRenderingContext2D } {
    const image = document.createElement('canvas')
    image.width = Math.ceil(width * this.density)
    image.height = Math.ceil(height * this.density)
    const context = image.getContext('2d')
    if (context === null) throw new Error('this browser cannot draw')
    context.scale(this.density, this.density)
    return { sprite: { image, width, height }, context }
  }
}
