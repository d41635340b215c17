// The session of the person at this browser: its hash, kept until logout or, on request, only until the tab closes.

import { call } from '../api/client'

const KEY = 'outrider.session'

export function savedHash(): string | null {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY)
}

export async function logIn(login: string, password: string, keep: 'here' | 'in-this-tab'): Promise<string> {
  const { hash } = await call('user/auth', { login, password }, null)
  const storage = keep === 'here' ? localStorage : sessionStorage
  storage.setItem(KEY, hash)
  return hash
}

/** Forgets the session here and tells the server; a server that cannot be told lets it run out. */
export function logOut(hash: string) {
  forget()
  call('user/logout', {}, hash).catch(() => undefined)
}

export function forget() {
  sessionStorage.removeItem(KEY)
  localStorage.removeItem(KEY)
}

/** Calls back when another tab of this browser logs out. */
export function onForgottenElsewhere(forgotten: () => void): () => void {
  const listen = (event: StorageEvent) => {
    if (event.key === KEY && event.newValue === null && savedHash() === null) forgotten()
  }
  window.addEventListener('storage', listen)
  return () => window.removeEventListener('storage', listen)
}
