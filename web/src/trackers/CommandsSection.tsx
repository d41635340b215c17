// What was asked of the device, what became of it, and a line to ask more.

import { useState, type SyntheticEvent } from 'react'
import type { LoggedCommand } from '../api/types'
import type { Formats } from '../ui/format'
import { SendIcon } from '../ui/icons'
import { isOpen, outcome, useCommands, type Commands } from './commands'
import './commands.css'

interface Props {
  hash: string
  tracker: number
  formats: Formats
  now: number
}

export function CommandsSection({ hash, tracker, formats, now }: Props) {
  const commands = useCommands(hash, tracker)
  const { log, cancel } = commands
  if (log.kind === 'none' || log.kind === 'loading') return null
  if (log.kind === 'failed') return <p className="commands-note muted">Commands: {log.words}</p>
  const waiting = log.commands.some(isOpen)
  return (
    <section className="commands" aria-label="Commands">
      <header>
        <h3>Commands</h3>
        {waiting && (
          <button type="button" className="link-button" onClick={() => void cancel()}>
            Cancel waiting
          </button>
        )}
      </header>
      <SendLine key={tracker} send={commands.send} />
      {log.commands.length === 0 ? (
        <p className="commands-note muted">Nothing was sent to this device yet.</p>
      ) : (
        <ol>
          {log.commands.map((command) => (
            <CommandRow key={command.id} command={command} moment={(time) => formats.moment(time, now)} />
          ))}
        </ol>
      )}
      {log.count > log.commands.length && (
        <p className="commands-note muted">
          The last {log.commands.length} of {log.count.toLocaleString('en')}
        </p>
      )}
    </section>
  )
}

function SendLine({ send }: { send: Commands['send'] }) {
  const [text, setText] = useState('')
  const [isSending, setSending] = useState(false)
  const [refusal, setRefusal] = useState<string | null>(null)
  const [isUnsupported, setUnsupported] = useState(false)

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault()
    const command = text.trim()
    if (command === '' || isSending) return
    setSending(true)
    const sent = await send(command)
    setSending(false)
    setUnsupported(sent.kind === 'unsupported')
    setRefusal(sent.kind === 'failed' ? sent.words : null)
    if (sent.kind === 'sent') setText('')
  }

  if (isUnsupported) return <p className="commands-note muted">This device takes no commands in words.</p>
  return (
    <form className="commands-send" onSubmit={(event) => void submit(event)}>
      <input
        type="text"
        aria-label="Command for the device"
        placeholder="Command, such as getinfo"
        autoCapitalize="off"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <button type="submit" aria-label="Send" title="Send" disabled={text.trim() === '' || isSending}>
        <SendIcon />
      </button>
      {refusal !== null && (
        <p className="danger" role="alert">
          {refusal}
        </p>
      )}
    </form>
  )
}

function CommandRow({ command, moment }: { command: LoggedCommand; moment: (time: string) => string }) {
  const time = command.finished ?? command.sent ?? command.asked
  return (
    <li className="command" data-state={command.state}>
      <div className="command-asked">
        <code>{command.command}</code>
        <time dateTime={time}>{moment(time)}</time>
      </div>
      <p className="command-outcome">
        {outcome(command)}
        {command.attempts > 1 && <span className="muted"> · {command.attempts} attempts</span>}
      </p>
      {command.reply && <p className="command-reply">{command.reply}</p>}
    </li>
  )
}
