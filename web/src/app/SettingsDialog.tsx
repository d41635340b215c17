// What a person may set for this browser.

import { useEffect, useRef, useState, type FormEvent } from 'react'
import { chooseTiles, faultOf, ownTiles } from '../map/settings'
import { chooseTheme, useThemeChoice, type Choice } from '../ui/theme'

interface Props {
  onClose: () => void
  onTilesChange: () => void
}

const CHOICES: readonly [Choice, string][] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
]

export function SettingsDialog({ onClose, onTilesChange }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const choice = useThemeChoice()
  const [fault, setFault] = useState<string | null>(null)

  useEffect(() => dialog.current?.showModal(), [])

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const url = String(new FormData(event.currentTarget).get('tiles') ?? '').trim()
    const found = url === '' ? null : faultOf(url)
    setFault(found)
    if (found !== null) return
    if (url !== ownTiles()) {
      chooseTiles(url)
      onTilesChange()
    }
    onClose()
  }

  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="settings-title" onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id="settings-title">Settings</h2>
        <fieldset className="choices">
          <legend>Appearance</legend>
          {CHOICES.map(([value, words]) => (
            <label key={value}>
              <input
                type="radio"
                name="theme"
                value={value}
                checked={choice === value}
                onChange={() => chooseTheme(value)}
              />
              <span>{words}</span>
            </label>
          ))}
        </fieldset>
        <label className="field">
          <span>Map tiles</span>
          <input
            name="tiles"
            defaultValue={ownTiles()}
            placeholder="https://tiles.example.com/{z}/{x}/{y}.png"
            spellCheck={false}
            aria-describedby="tiles-help"
            aria-invalid={fault !== null}
          />
          <small id="tiles-help" className={fault === null ? 'muted' : 'danger'}>
            {fault ?? 'Raster tiles for this browser. Empty: the map that the server offers.'}
          </small>
        </label>
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary">
            Save
          </button>
        </div>
      </form>
    </dialog>
  )
}
