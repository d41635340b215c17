// One line of the list, a tracker or the head of a group.

import { memo } from 'react'
import type { State, Tracker } from '../api/types'
import { isInTouch, MOVEMENT_WORDS, STATUS_WORDS, type Status } from '../fleet/status'
import { ago, type Formats } from '../ui/format'
import { ChevronIcon } from '../ui/icons'
import { StatusDot } from '../ui/StatusDot'

interface TrackerRowProps {
  tracker: Tracker
  state: State | undefined
  status: Status
  now: number
  formats: Formats
  isSelected: boolean
  onSelect: (id: number) => void
}

export const TrackerRow = memo(function TrackerRow(props: TrackerRowProps) {
  const { tracker, state, status, now, formats, isSelected, onSelect } = props
  const movement = state !== undefined && isInTouch(status) ? MOVEMENT_WORDS[state.movement_status] : null
  const isMoving = movement !== null && state?.movement_status === 'moving'
  return (
    <button
      type="button"
      className="tracker-row"
      aria-current={isSelected || undefined}
      onClick={() => onSelect(tracker.id)}
    >
      <StatusDot status={status} />
      <span className="tracker-row-label">{tracker.label}</span>
      <span className="tracker-row-speed">{isMoving && state ? formats.speed(state.gps.speed) : ''}</span>
      <span className="tracker-row-status">
        {STATUS_WORDS[status]}
        {movement !== null && ` · ${movement}`}
      </span>
      <span className="tracker-row-time">{state?.last_update ? ago(state.last_update, now) : ''}</span>
    </button>
  )
})

interface GroupRowProps {
  title: string
  color: string | null
  size: number
  isOpen: boolean
  onToggle: () => void
}

export function GroupRow({ title, color, size, isOpen, onToggle }: GroupRowProps) {
  return (
    <button type="button" className="group-row" aria-expanded={isOpen} onClick={onToggle}>
      <ChevronIcon />
      {color !== null && <span className="group-row-color" style={{ background: color }} />}
      <span className="group-row-title">{title}</span>
      <span className="group-row-size">{size}</span>
    </button>
  )
}
