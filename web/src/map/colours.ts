// Every colour of the map, for light and dark. Those of statuses are the same as in ui/theme.css.

import type { Status } from '../fleet/status'
import type { Theme } from '../ui/theme'

export interface Colours {
  water: string
  land: string
  shore: string
  border: string
  grid: string
  gridText: string
  country: string
  city: string
  town: string
  halo: string
  place: string
  marker: Record<Status, string>
  rim: string
  label: string
  labelHalo: string
  selection: string
  track: string
  trackCasing: string
}

export const COLOURS: Record<Theme, Colours> = {
  light: {
    water: '#cddfe8',
    land: '#f5f4ef',
    shore: '#a9c3d1',
    border: '#c3bfb4',
    grid: '#7f93a3',
    gridText: '#8796a3',
    country: '#77736a',
    city: '#3d444b',
    town: '#6a7178',
    halo: '#f5f4ef',
    place: '#8b9096',
    marker: {
      active: '#12905a',
      idle: '#c77d0a',
      signal_lost: '#d1432f',
      offline: '#7b8794',
      just_registered: '#7a5bd0',
      blocked: '#4a525b',
    },
    rim: '#ffffff',
    label: '#1a2129',
    labelHalo: '#ffffff',
    selection: '#0f5bd3',
    track: '#0f5bd3',
    trackCasing: '#ffffff',
  },
  dark: {
    water: '#0c141b',
    land: '#1a222a',
    shore: '#2c3b47',
    border: '#3a4652',
    grid: '#51616f',
    gridText: '#5b6b79',
    country: '#7f8c98',
    city: '#b4bfc9',
    town: '#84919d',
    halo: '#141b22',
    place: '#5f6c78',
    marker: {
      active: '#2fc481',
      idle: '#f0a92e',
      signal_lost: '#ff6f5c',
      offline: '#8794a1',
      just_registered: '#a88bf5',
      blocked: '#9aa5b0',
    },
    rim: '#0e1419',
    label: '#eef2f5',
    labelHalo: '#0e1419',
    selection: '#5aa2ff',
    track: '#5aa2ff',
    trackCasing: '#0e1419',
  },
}
