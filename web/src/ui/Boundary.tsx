// Keeps a fault of one part from taking the page with it.

import { Component, type ReactNode } from 'react'

interface Props {
  /** What is said in the part's place. */
  words: string
  children: ReactNode
}

export class Boundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false }

  static getDerivedStateFromError() {
    return { hasFailed: true }
  }

  override render() {
    const { words, children } = this.props
    if (!this.state.hasFailed) return children
    return (
      <div className="boundary" role="alert">
        <p>{words}</p>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          Reload
        </button>
      </div>
    )
  }
}
