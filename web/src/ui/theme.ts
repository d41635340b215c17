// Light or dark: what the system prefers, unless the person chose.

import { useSyncExternalStore } from 'react'

export type Choice = 'system' | 'light' | 'dark'
export type Theme = 'light' | 'dark'

const KEY = 'outrider.theme'
const systemDark = window.matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

systemDark.addEventListener('change', apply)
apply()

export function themeChoice(): Choice {
  const saved = localStorage.getItem(KEY)
  return saved === 'light' || saved === 'dark' ? saved : 'system'
}

export function chooseTheme(choice: Choice) {
  if (choice === 'system') localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, choice)
  apply()
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, theme)
}

export function useThemeChoice(): Choice {
  return useSyncExternalStore(subscribe, themeChoice)
}

function theme(): Theme {
  const choice = themeChoice()
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
