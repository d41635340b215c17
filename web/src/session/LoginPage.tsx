// The door: login and password, and in words why they did not do.

import { useEffect, useRef, useState, type FormEvent } from 'react'
import { inWords } from '../api/failure'
import { Brand } from '../ui/Brand'
import './login.css'
import { logIn } from './session'

interface Props {
  /** Why the person is here again. */
  notice: string | null
  onLoggedIn: (hash: string) => void
}

export function LoginPage({ notice, onLoggedIn }: Props) {
  const [failure, setFailure] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const password = useRef<HTMLInputElement>(null)

  useEffect(() => {
    if (failure !== null) password.current?.select()
  }, [failure])

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const field = (name: string) => String(form.get(name) ?? '')
    setBusy(true)
    setFailure(null)
    try {
      const keep = form.has('keep') ? 'here' : 'in-this-tab'
      onLoggedIn(await logIn(field('login').trim(), field('password'), keep))
    } catch (thrown) {
      setFailure(inWords(thrown))
      setBusy(false)
    }
  }

  return (
    <main className="login">
      <form className="login-card" onSubmit={submit} aria-labelledby="login-title">
        <Brand />
        <h1 id="login-title">Log in</h1>
        {failure === null && notice !== null && <p className="login-notice">{notice}</p>}
        {failure !== null && (
          <p className="login-failure" role="alert">
            {failure}
          </p>
        )}
        <label className="field">
          <span>Login</span>
          <input name="login" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus />
        </label>
        <label className="field">
          <span>Password</span>
          <input ref={password} name="password" type="password" autoComplete="current-password" required />
        </label>
        <label className="check">
          <input name="keep" type="checkbox" defaultChecked />
          <span>Stay logged in on this device</span>
        </label>
        <button className="button primary" type="submit" disabled={busy}>
          {busy ? 'Logging in…' : 'Log in'}
        </button>
      </form>
    </main>
  )
}
