// Everything known of one tracker.

import { useEffect, useRef, type ReactNode } from 'react'
import type { State, Tracker } from '../api/types'
import { useFormats } from '../fleet/FleetContext'
import { isInTouch, MOVEMENT_WORDS, STATUS_WORDS, statusOf } from '../fleet/status'
import { summary } from '../map/track'
import { useNow } from '../ui/clock'
import { ago, coordinates, heading, words, type Formats } from '../ui/format'
import { CloseIcon } from '../ui/icons'
import { StatusDot } from '../ui/StatusDot'
import { CommandsSection } from './CommandsSection'
import './panel.css'
import type { Today } from './today'

interface Props {
  hash: string
  tracker: Tracker
  state: State | undefined
  group: string | null
  today: Today
  onClose: () => void
}

export function TrackerPanel({ hash, tracker, state, group, today, onClose }: Props) {
  const formats = useFormats()
  const now = useNow()
  const title = useRef<HTMLHeadingElement>(null)
  const status = statusOf(tracker, state)

  // Who comes by keyboard reads on here.
  useEffect(() => title.current?.focus({ preventScroll: true }), [tracker.id])
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) onClose()
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [onClose])

  return (
    <aside className="panel" aria-label={tracker.label}>
      <header className="panel-head">
        <div>
          <h2 ref={title} tabIndex={-1}>
            {tracker.label}
          </h2>
          <p className="panel-status">
            <StatusDot status={status} />
            {STATUS_WORDS[status]}
            {state && isInTouch(status) && ` · ${MOVEMENT_WORDS[state.movement_status]}`}
            {state?.last_update && <span className="muted"> · {ago(state.last_update, now)}</span>}
          </p>
        </div>
        <button type="button" className="icon-button" aria-label="Close" title="Close" onClick={onClose}>
          <CloseIcon />
        </button>
      </header>
      <div className="panel-body">
        {state && <Figures state={state} formats={formats} />}
        <TodayLine today={today} formats={formats} now={now} />
        {state && <StateSections state={state} formats={formats} now={now} />}
        {!tracker.clone && <CommandsSection hash={hash} tracker={tracker.id} formats={formats} now={now} />}
        <Section title="Device">
          <Field name="Group">{group ?? 'No group'}</Field>
          <Field name="Model">{tracker.source.model}</Field>
          <Field name="Device id">{tracker.source.device_id}</Field>
          <Field name="Phone">{tracker.source.phone}</Field>
          <Field name="Tracker">{tracker.id}</Field>
          <Field name="Source">{tracker.source.id}</Field>
          <Field name="Clone">{tracker.clone ? 'Yes' : null}</Field>
          <Field name="Created">{tracker.source.creation_date}</Field>
          <Field name="Plan">{tracker.source.tariff_id}</Field>
          <Field name="Plan ends">{tracker.source.tariff_end_date}</Field>
        </Section>
      </div>
    </aside>
  )
}

function Figures({ state, formats }: { state: State; formats: Formats }) {
  const { gps } = state
  const known = gps.updated !== null
  return (
    <dl className="figures">
      <Figure name="Speed">{known ? formats.speed(gps.speed) : '–'}</Figure>
      <Figure name="Heading">{known ? heading(gps.heading) : '–'}</Figure>
      <Figure name="Altitude">{known && gps.alt !== null ? formats.altitude(gps.alt) : '–'}</Figure>
    </dl>
  )
}

function TodayLine({ today, formats, now }: { today: Today; formats: Formats; now: number }) {
  const { history, points } = today
  switch (history.kind) {
    case 'none':
      return null
    case 'loading':
      return <p className="today muted">Reading today’s track…</p>
    case 'failed':
      return <p className="today muted">Today’s track: {history.words}</p>
    case 'known': {
      const track = summary(points)
      if (track === null || track.from === track.to) return <p className="today muted">No track yet today</p>
      return (
        <p className="today">
          <b>{formats.distance(track.length)}</b> today since {formats.moment(track.from, now)}, up to{' '}
          {formats.speed(track.maxSpeed)}
        </p>
      )
    }
  }
}

function StateSections({ state, formats, now }: { state: State; formats: Formats; now: number }) {
  const { gps, gsm } = state
  const moment = (time: string | null | undefined) => (time ? formats.moment(time, now) : null)
  const percent = (value: number | null | undefined) => (value == null ? null : `${value} %`)
  const additional = Object.entries(state.additional ?? {}).sort(([one], [other]) => one.localeCompare(other))
  return (
    <>
      <Section title="Position">
        <Field name="Coordinates">{gps.updated && coordinates(gps.location.lat, gps.location.lng)}</Field>
        <Field name="Fix">{moment(gps.updated)}</Field>
        <Field name="GNSS signal">{percent(gps.signal_level)}</Field>
        <Field name="Precision">{gps.precision == null ? null : formats.altitude(gps.precision)}</Field>
        <Field name="Found by">{gps.updated && (gps.gsm_lbs ? 'Cell towers' : 'GNSS')}</Field>
      </Section>
      <Section title="State">
        <Field name="Connection">{STATUS_WORDS[state.connection_status]}</Field>
        <Field name="Last message">{moment(state.last_update)}</Field>
        <Field name="Movement">{MOVEMENT_WORDS[state.movement_status]}</Field>
        <Field name="Movement since">{moment(state.movement_status_update)}</Field>
        <Field name="Track changed">{moment(state.actual_track_update)}</Field>
        <Field name="Ignition">{state.ignition == null ? null : state.ignition ? 'On' : 'Off'}</Field>
        <Field name="Ignition read">{moment(state.ignition_update)}</Field>
        <Field name="Battery">{percent(state.battery_level)}</Field>
        <Field name="Battery read">{moment(state.battery_update)}</Field>
      </Section>
      {gsm && (
        <Section title="Mobile network">
          <Field name="Network">{gsm.network_name}</Field>
          <Field name="Signal">{percent(gsm.signal_level)}</Field>
          <Field name="Roaming">{gsm.roaming == null ? null : gsm.roaming ? 'Yes' : 'No'}</Field>
          <Field name="Read">{moment(gsm.updated)}</Field>
        </Section>
      )}
      <Lines title="Inputs" lines={state.inputs ?? []} updated={moment(state.inputs_update)} />
      <Lines title="Outputs" lines={state.outputs ?? []} updated={moment(state.outputs_update)} />
      {additional.length > 0 && (
        <Section title="More values">
          {additional.map(([name, { value, updated }]) => (
            <Field key={name} name={words(name)} title={moment(updated) ?? undefined}>
              {value}
            </Field>
          ))}
        </Section>
      )}
    </>
  )
}

/** Digital lines, numbered from 1. */
function Lines({ title, lines, updated }: { title: string; lines: boolean[]; updated: string | null }) {
  if (lines.length === 0) return null
  return (
    <Section title={title}>
      <Field name="Lines">
        <span className="lines">
          {lines.map((isOn, at) => (
            <span key={at} className="line" data-on={isOn} title={`${at + 1}: ${isOn ? 'on' : 'off'}`}>
              {at + 1}
              <span className="visually-hidden">{isOn ? ' on' : ' off'}</span>
            </span>
          ))}
        </span>
      </Field>
      <Field name="Read">{updated}</Field>
    </Section>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="panel-section">
      <h3>{title}</h3>
      <dl>{children}</dl>
    </section>
  )
}

/** What is not known is left out. */
function Field({ name, title, children }: { name: string; title?: string | undefined; children: ReactNode }) {
  if (children === null || children === undefined || children === '') return null
  return (
    <div className="panel-field">
      <dt>{name}</dt>
      <dd title={title}>{children}</dd>
    </div>
  )
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
