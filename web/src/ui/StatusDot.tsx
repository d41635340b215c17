// A status as colour; its word stands beside it wherever it is used.

import type { Status } from '../fleet/status'

export function StatusDot({ status }: { status: Status }) {
  return <span className="status-dot" data-status={status} aria-hidden="true" />
}
