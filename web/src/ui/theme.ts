// Light or dark: what the system prefers, unless the person chose.

import { useSyncExternalStore } from 'react'

export type Choice = 'system' | 'light' | 'dark'
export type Theme = 'light' | 'dark'

const KEY = 'outrider.theme'
const systemDark = window.matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

let choice = saved()

systemDark.addEventListener('change', apply)
apply()

export function chooseTheme(chosen: Choice) {
  choice = chosen
  if (chosen === 'system') localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, chosen)
  apply()
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, theme)
}

export function useThemeChoice(): Choice {
  return useSyncExternalStore(subscribe, () => choice)
}

function saved(): Choice {
  const value = localStorage.getItem(KEY)
  return value === 'light' || value === 'dark' ? value : 'system'
}

function theme(): Theme {
  if (choice !== 'system') return choice
  return systemDark.matches ? 'dark' : 'light'
}

function apply() {
  document.documentElement.dataset['theme'] = theme()
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}
