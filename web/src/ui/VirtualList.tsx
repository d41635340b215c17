// A long list of which only what can be seen is in the page.

import { useLayoutEffect, useRef, useState, type ReactNode } from 'react'

interface Props<Item> {
  items: readonly Item[]
  /** CSS pixels. */
  height: (item: Item) => number
  keyOf: (item: Item) => string
  render: (item: Item) => ReactNode
  label: string
}

/** Drawn beyond both edges, so that scrolling does not outrun it. */
const MARGIN = 240

export function VirtualList<Item>({ items, height, keyOf, render, label }: Props<Item>) {
  const element = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 800 })

  useLayoutEffect(() => {
    const list = element.current
    if (list === null) return
    const measure = () => setView({ top: list.scrollTop, height: list.clientHeight })
    const observer = new ResizeObserver(measure)
    observer.observe(list)
    list.addEventListener('scroll', measure, { passive: true })
    return () => {
      observer.disconnect()
      list.removeEventListener('scroll', measure)
    }
  }, [])

  const visible: ReactNode[] = []
  let top = 0
  for (const item of items) {
    const size = height(item)
    if (top + size > view.top - MARGIN && top < view.top + view.height + MARGIN) {
      visible.push(
        <li key={keyOf(item)} style={{ position: 'absolute', top, height: size, left: 0, right: 0 }}>
          {render(item)}
        </li>,
      )
    }
    top += size
  }
  return (
    <div ref={element} className="virtual-list">
      <ul aria-label={label} style={{ height: top }}>
        {visible}
      </ul>
    </div>
  )
}
