// All trackers: search, counts by status that filter, groups.

import { useDeferredValue, useState } from 'react'
import { useFleet, useFormats } from '../fleet/FleetContext'
import { STATUSES, STATUS_WORDS, type Status } from '../fleet/status'
import { useNow } from '../ui/clock'
import { count } from '../ui/format'
import { SearchIcon } from '../ui/icons'
import { StatusDot } from '../ui/StatusDot'
import { VirtualList } from '../ui/VirtualList'
import { listing, type Listing, type Row } from './rows'
import { GroupRow, TrackerRow } from './TrackerRow'
import './trackers.css'

interface Props {
  selected: number | null
  onSelect: (id: number) => void
}

export function TrackerList({ selected, onSelect }: Props) {
  const { trackers, groups, states, user, failure } = useFleet()
  const formats = useFormats()
  const now = useNow()
  const [text, setText] = useState('')
  const [status, setStatus] = useState<Status | null>(null)
  const [closed, setClosed] = useState<ReadonlySet<number>>(new Set())
  const found = listing(trackers, groups, states, { text: useDeferredValue(text), status, closed })

  const toggle = (group: number) => {
    const next = new Set(closed)
    if (!next.delete(group)) next.add(group)
    setClosed(next)
  }

  const render = (row: Row) =>
    row.kind === 'group' ? (
      <GroupRow {...row} onToggle={() => toggle(row.id)} />
    ) : (
      <TrackerRow
        tracker={row.tracker}
        state={row.state}
        status={row.status}
        now={now}
        formats={formats}
        isSelected={row.tracker.id === selected}
        onSelect={onSelect}
      />
    )

  return (
    <section className="trackers" aria-label="Trackers">
      <div className="trackers-head">
        <label className="search">
          <SearchIcon />
          <input
            type="search"
            placeholder="Search name, device id, model"
            aria-label="Search trackers"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <StatusFilter counts={found.counts} total={trackers.length} chosen={status} onChoose={setStatus} />
      </div>
      {found.rows.length > 0 ? (
        <VirtualList
          label="Trackers"
          items={found.rows}
          height={(row) => (row.kind === 'group' ? 36 : 58)}
          keyOf={(row) => (row.kind === 'group' ? `group ${row.id}` : `tracker ${row.tracker.id}`)}
          render={render}
        />
      ) : (
        <Nothing isKnown={user !== null} isEmpty={trackers.length === 0} failure={failure} />
      )}
    </section>
  )
}

interface FilterProps {
  counts: Listing['counts']
  total: number
  chosen: Status | null
  onChoose: (status: Status | null) => void
}

function StatusFilter({ counts, total, chosen, onChoose }: FilterProps) {
  const offered = STATUSES.filter((status) => counts[status] > 0 || status === chosen)
  return (
    <div className="status-filter" role="group" aria-label="Filter by status">
      <button type="button" aria-pressed={chosen === null} onClick={() => onChoose(null)}>
        All <b>{total}</b>
      </button>
      {offered.map((status) => (
        <button
          key={status}
          type="button"
          aria-pressed={status === chosen}
          onClick={() => onChoose(status === chosen ? null : status)}
        >
          <StatusDot status={status} />
          {STATUS_WORDS[status]} <b>{counts[status]}</b>
        </button>
      ))}
    </div>
  )
}

function Nothing({ isKnown, isEmpty, failure }: { isKnown: boolean; isEmpty: boolean; failure: string | null }) {
  if (!isKnown) return <p className="trackers-nothing">{failure ?? 'Loading the fleet…'}</p>
  if (!isEmpty) return <p className="trackers-nothing">No tracker matches.</p>
  return (
    <p className="trackers-nothing">
      <strong>{count(0, 'tracker', 'trackers')}</strong>
      Register one with <code>tracker/register</code>; it appears here within a minute.
    </p>
  )
}
