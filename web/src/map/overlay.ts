// The fleet above the map: its own canvas, so that markers glide without the map beneath being drawn again, and in
// one pass, so that thousands do.

import type { Map as Chart } from 'maplibre-gl'
import type { Status } from '../fleet/status'
import type { Colours } from './colours'
import { project, WORLD, type Place, type Point } from './mercator'
import { Motion } from './motion'
import { Sprites, type Shape } from './sprites'
import { Trail } from './trail'

export interface Vehicle extends Place {
  id: number
  label: string
  status: Status
  shape: Shape
  /** Degrees clockwise from north. */
  heading: number
}

interface Marker {
  vehicle: Vehicle
  motion: Motion
  trail: Trail
  /** Where it was drawn last, in CSS pixels of the map; null when out of sight. */
  at: Point | null
}

/** How near a click must be, in CSS pixels. */
const REACH = 18
/** Names are drawn from this zoom on, or when there are no more than these in sight. */
const LABEL_ZOOM = 11
const FEW = 60
const MOST_LABELS = 200
/** From here on one sees where markers come from. */
const TRAIL_ZOOM = 9.5

export class Overlay {
  private readonly markers = new Map<number, Marker>()
  private readonly canvas = document.createElement('canvas')
  private readonly context: CanvasRenderingContext2D
  private readonly stillness = window.matchMedia('(prefers-reduced-motion: reduce)')
  private sprites: Sprites
  private selected: number | null = null
  private hovered: number | null = null
  private frame = 0
  private width = 0
  private height = 0
  private density = 1

  constructor(
    private readonly chart: Chart,
    private colours: Colours,
  ) {
    const context = this.canvas.getContext('2d')
    if (context === null) throw new Error('this browser cannot draw')
    this.context = context
    this.canvas.className = 'fleet-overlay'
    this.canvas.setAttribute('aria-hidden', 'true')
    chart.getCanvasContainer().append(this.canvas)
    this.sprites = new Sprites(colours, this.density)
    this.resize()
    chart.on('resize', () => this.resize())
    chart.on('render', () => this.draw())
  }

  paint(colours: Colours) {
    this.colours = colours
    this.sprites = new Sprites(colours, this.density)
    this.request()
  }

  show(vehicles: Iterable<Vehicle>) {
    const now = performance.now()
    const present = new Set<number>()
    for (const vehicle of vehicles) {
      present.add(vehicle.id)
      const pose = { ...project(vehicle), heading: vehicle.heading }
      const marker = this.markers.get(vehicle.id)
      if (marker === undefined) {
        const created = { vehicle, motion: new Motion(pose, now), trail: new Trail(), at: null }
        created.trail.add(pose, now)
        this.markers.set(vehicle.id, created)
      } else {
        marker.vehicle = vehicle
        const moved = marker.motion.moveTo(pose, now, !this.stillness.matches)
        if (moved === 'far-away') marker.trail.clear()
        if (moved !== 'here') marker.trail.add(pose, now)
      }
    }
    for (const id of this.markers.keys()) if (!present.has(id)) this.markers.delete(id)
    this.request()
  }

  select(id: number | null) {
    this.selected = id
    this.request()
  }

  hover(id: number | null) {
    if (id === this.hovered) return
    this.hovered = id
    this.request()
  }

  /** The marker nearest to a point of the map, if it is near. */
  at(x: number, y: number): number | null {
    let nearest: number | null = null
    let least = REACH
    for (const { vehicle, at } of this.markers.values()) {
      if (at === null) continue
      const away = Math.hypot(at.x - x, at.y - y)
      if (away < least) [nearest, least] = [vehicle.id, away]
    }
    return nearest
  }

  remove() {
    cancelAnimationFrame(this.frame)
    this.canvas.remove()
  }

  private resize() {
    const { clientWidth, clientHeight } = this.chart.getContainer()
    const density = Math.max(1, window.devicePixelRatio)
    if (density !== this.density) {
      this.density = density
      this.sprites = new Sprites(this.colours, density)
    }
    this.width = clientWidth
    this.height = clientHeight
    this.canvas.width = Math.round(clientWidth * density)
    this.canvas.height = Math.round(clientHeight * density)
    this.draw()
  }

  private request() {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw())
  }

  private draw() {
    cancelAnimationFrame(this.frame)
    this.frame = 0
    const now = performance.now()
    const { context, density, width, height } = this
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, this.canvas.width, this.canvas.height)

    const isGliding = this.place(now)
    const inSight = [...this.markers.values()].filter(({ at }) => at !== null)
    const selected = inSight.find(({ vehicle }) => vehicle.id === this.selected)
    const zoom = this.chart.getZoom()
    const size = Math.min(1, Math.max(0.5, 0.5 + (zoom - 5) * 0.08))

    // The selected one has its track.
    const trailing = zoom >= TRAIL_ZOOM ? inSight.filter((marker) => marker !== selected) : []
    for (const marker of trailing) this.drawTrail(marker, now)
    if (selected !== undefined) this.drawHalo(selected, density)
    for (const marker of inSight) if (marker !== selected) this.drawMarker(marker, now, size)
    if (selected !== undefined) this.drawMarker(selected, now, 1.15)
    const named = zoom >= LABEL_ZOOM || inSight.length <= FEW ? inSight : []
    this.drawLabels(named, selected, size, width, height)
    if (isGliding) this.request()
  }

  /** Finds where every marker is in the view; answers whether any is on its way. The map is always flat and north up. */
  private place(now: number): boolean {
    const view = this.view()
    const margin = 40
    let isGliding = false
    for (const marker of this.markers.values()) {
      const pose = marker.motion.at(now)
      const { x, y } = view(pose)
      const isInSight = x > -margin && y > -margin && x < this.width + margin && y < this.height + margin
      marker.at = isInSight ? { x, y } : null
      if (isInSight && marker.motion.isGliding(now)) isGliding = true
    }
    return isGliding
  }

  /** How a point of the plane comes to CSS pixels: the nearest of the world's copies. */
  private view(): (point: Point) => Point {
    const centre = project(this.chart.getCenter())
    const scale = WORLD * 2 ** this.chart.getZoom()
    return ({ x, y }) => {
      const east = x - centre.x - Math.round(x - centre.x)
      return { x: east * scale + this.width / 2, y: (y - centre.y) * scale + this.height / 2 }
    }
  }

  private drawTrail({ at, trail, vehicle }: Marker, now: number) {
    const behind = trail.behind(now)
    if (at === null || behind.length === 0) return
    const { context, density } = this
    const view = this.view()
    context.setTransform(density, 0, 0, density, 0, 0)
    context.beginPath()
    for (const point of behind) {
      const { x, y } = view(point)
      context.lineTo(x, y)
    }
    context.lineTo(at.x, at.y)
    context.lineWidth = 3
    context.lineCap = 'round'
    context.lineJoin = 'round'
    context.globalAlpha = 0.3
    context.strokeStyle = this.colours.marker[vehicle.status]
    context.stroke()
    context.globalAlpha = 1
  }

  private drawHalo({ at }: Marker, density: number) {
    if (at === null) return
    const { context } = this
    context.setTransform(density, 0, 0, density, at.x * density, at.y * density)
    context.beginPath()
    context.arc(0, 0, 22, 0, 2 * Math.PI)
    context.fillStyle = this.colours.selection
    context.globalAlpha = 0.18
    context.fill()
    context.globalAlpha = 1
    context.lineWidth = 2
    context.strokeStyle = this.colours.selection
    context.stroke()
  }

  private drawMarker({ at, vehicle, motion }: Marker, now: number, size: number) {
    const sprite = this.sprites.marker(vehicle.status, vehicle.shape)
    if (at === null || sprite === undefined) return
    const { context, density } = this
    const scale = size * density
    const angle = vehicle.shape === 'arrow' ? (motion.at(now).heading * Math.PI) / 180 : 0
    const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale]
    context.setTransform(cos, sin, -sin, cos, at.x * density, at.y * density)
    context.drawImage(sprite.image, -sprite.width / 2, -sprite.height / 2, sprite.width, sprite.height)
  }

  /** Names that would cover another name are left out; the selected and the hovered come first. */
  private drawLabels(named: Marker[], selected: Marker | undefined, size: number, width: number, height: number) {
    const { context, density } = this
    const hovered = this.hovered === null ? undefined : this.markers.get(this.hovered)
    const first = [selected, hovered].filter((marker) => marker !== undefined)
    const taken = new Grid(width, height)
    let drawn = 0
    for (const { vehicle, at } of new Set([...first, ...named])) {
      if (at === null || drawn >= MOST_LABELS) continue
      const sprite = this.sprites.label(vehicle.label)
      const left = Math.round((at.x - sprite.width / 2) * density)
      const top = Math.round((at.y + 12 * size + 2) * density)
      if (!taken.take(left / density, top / density, sprite.width, sprite.height)) continue
      context.setTransform(1, 0, 0, 1, left, top)
      context.drawImage(sprite.image, 0, 0)
      drawn++
    }
  }
}

/** Which parts of the view are covered by names, in coarse cells. */
class Grid {
  private readonly cells = new Set<number>()
  private readonly columns: number

  constructor(
    width: number,
    private readonly height: number,
  ) {
    this.columns = Math.ceil(width / Grid.CELL) + 8
  }

  private static readonly CELL = 10

  take(x: number, y: number, width: number, height: number): boolean {
    if (y > this.height) return false
    const cells = []
    for (let row = Math.floor(y / Grid.CELL); row <= Math.floor((y + height) / Grid.CELL); row++) {
      for (let column = Math.floor(x / Grid.CELL); column <= Math.floor((x + width) / Grid.CELL); column++) {
        const cell = (row + 8) * this.columns + column
        if (this.cells.has(cell)) return false
        cells.push(cell)
      }
    }
    for (const cell of cells) this.cells.add(cell)
    return true
  }
}
