// The bar above all: whose console it is, whether it is live, settings, the way out.

import { useState } from 'react'
import type { Link } from '../api/feed'
import { useFleet } from '../fleet/FleetContext'
import { Brand } from '../ui/Brand'
import { LogOutIcon, MoonIcon, SettingsIcon, SunIcon } from '../ui/icons'
import { chooseTheme, useTheme } from '../ui/theme'
import { SettingsDialog } from './SettingsDialog'

interface Props {
  onLogOut: () => void
  onTilesChange: () => void
}

const LINK_WORDS: Record<Link, { short: string; long: string }> = {
  live: { short: 'Live', long: 'Changes arrive as they happen' },
  connecting: { short: 'Connecting', long: 'Opening the live feed' },
  down: { short: 'Polling', long: 'The live feed is down: asking every few seconds until it is back' },
}

export function TopBar({ onLogOut, onTilesChange }: Props) {
  const { user, link, failure } = useFleet()
  const theme = useTheme()
  const [isOpen, setOpen] = useState(false)
  const other = theme === 'dark' ? 'light' : 'dark'
  const words = failure === null ? LINK_WORDS[link] : { short: 'No connection', long: failure }
  return (
    <header className="top-bar">
      <Brand />
      <span className="link" data-link={failure === null ? link : 'failed'} title={words.long} role="status">
        {words.short}
      </span>
      <span className="top-bar-space" />
      {user && <span className="top-bar-user">{user.title}</span>}
      <button
        type="button"
        className="icon-button"
        aria-label={`Switch to ${other}`}
        title={`Switch to ${other}`}
        onClick={() => chooseTheme(other)}
      >
        {theme === 'dark' ? <SunIcon /> : <MoonIcon />}
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Settings"
        title="Settings"
        onClick={() => setOpen(true)}
      >
        <SettingsIcon />
      </button>
      <button type="button" className="icon-button" aria-label="Log out" title="Log out" onClick={onLogOut}>
        <LogOutIcon />
      </button>
      {isOpen && <SettingsDialog onClose={() => setOpen(false)} onTilesChange={onTilesChange} />}
    </header>
  )
}
