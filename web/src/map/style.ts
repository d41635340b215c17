// The base map's style. No sprite, no glyph server: texts are drawn with the system's own fonts.

import type { FeatureCollection } from 'geojson'
import type {
  DataDrivenPropertyValueSpecification,
  ExpressionSpecification,
  LayerSpecification,
  SourceSpecification,
  StyleSpecification,
} from 'maplibre-gl'
import type { Theme } from '../ui/theme'
import { COLOURS, type Colours } from './colours'
import { rasterSource, type Tiles } from './settings'
import { BASE_TILES, BASE_TILES_LAST_ZOOM } from './tiles'
import { trackLayers } from './track'

export interface Base {
  theme: Theme
  tiles: Tiles | null
}

const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] }
const ATTRIBUTION = 'Natural Earth · <a href="https://www.geonames.org" rel="noreferrer">GeoNames</a> (CC BY 4.0)'
const FONT = ['system-ui', 'sans-serif']
// MapLibre takes the weight from the first name; there need not be such a font.
const FONT_STRONG = ['semibold', 'system-ui', 'sans-serif']

export function style({ theme, tiles }: Base): StyleSpecification {
  const colours = COLOURS[theme]
  const ground = tiles === null ? baseLayers(colours) : rasterLayers(colours)
  return {
    version: 8,
    sources: sources(tiles),
    layers: [...ground, ...trackLayers(colours)],
    transition: { duration: 150, delay: 0 },
  }
}

function sources(tiles: Tiles | null): Record<string, SourceSpecification> {
  const track: SourceSpecification = { type: 'geojson', data: NOTHING }
  if (tiles !== null) return { tiles: rasterSource(tiles), track }
  return {
    base: { type: 'vector', tiles: [BASE_TILES], maxzoom: BASE_TILES_LAST_ZOOM, attribution: ATTRIBUTION },
    countries: { type: 'geojson', data: '/map/countries.json' },
    graticule: { type: 'geojson', data: NOTHING },
    places: { type: 'geojson', data: NOTHING, maxzoom: 12 },
    track,
  }
}

function rasterLayers({ water }: Colours): LayerSpecification[] {
  return [
    { id: 'water', type: 'background', paint: { 'background-color': water } },
    { id: 'tiles', type: 'raster', source: 'tiles' },
  ]
}

function baseLayers(colours: Colours): LayerSpecification[] {
  return [
    { id: 'water', type: 'background', paint: { 'background-color': colours.water } },
    {
      id: 'land',
      type: 'fill',
      source: 'base',
      'source-layer': 'land',
      paint: { 'fill-color': colours.land, 'fill-antialias': false },
    },
    lineLayer('coasts', colours.shore, 1.4),
    lineLayer('borders', colours.border, 1.6),
    ...graticuleLayers(colours),
    ...placeLayers(colours),
  ]
}

function lineLayer(name: string, colour: string, width: number): LayerSpecification {
  return {
    id: name,
    type: 'line',
    source: 'base',
    'source-layer': name,
    layout: { 'line-join': 'round', 'line-cap': 'round' },
    paint: { 'line-color': colour, 'line-width': ['interpolate', ['linear'], ['zoom'], 2, 0.6, 10, width] },
  }
}

function graticuleLayers({ grid, gridText, halo }: Colours): LayerSpecification[] {
  return [
    {
      id: 'graticule',
      type: 'line',
      source: 'graticule',
      paint: { 'line-color': grid, 'line-width': 0.6, 'line-opacity': 0.3 },
    },
    {
      id: 'graticule-text',
      type: 'symbol',
      source: 'graticule',
      minzoom: 6,
      layout: {
        'symbol-placement': 'line',
        'symbol-spacing': 700,
        'text-field': ['get', 'text'],
        'text-font': FONT,
        'text-size': 10,
        'text-keep-upright': true,
      },
      paint: { 'text-color': gridText, 'text-halo-color': halo, 'text-halo-width': 2 },
    },
  ]
}

/** The least population of a place that is named, by zoom. */
const LEAST_POPULATION: ExpressionSpecification = [
  'step', ['zoom'],
  8_000_000, 3, 3_000_000, 4, 1_000_000, 5, 400_000, 6, 150_000, 7, 60_000, 8, 25_000, 9, 8_000, 10, 2_500, 11, 0,
] // prettier-ignore

function placeLayers(colours: Colours): LayerSpecification[] {
  const isPart: ExpressionSpecification = ['==', ['get', 'kind'], 1]
  const isCapital: ExpressionSpecification = ['==', ['get', 'kind'], 2]
  const isNamed: ExpressionSpecification = ['>=', ['get', 'population'], LEAST_POPULATION]
  const size: DataDrivenPropertyValueSpecification<number> = [
    'interpolate', ['linear'], ['zoom'],
    3, ['step', ['get', 'population'], 10, 3_000_000, 11],
    8, ['step', ['get', 'population'], 10.5, 60_000, 11.5, 300_000, 13, 1_000_000, 15],
    13, ['step', ['get', 'population'], 12, 60_000, 14, 300_000, 17, 1_000_000, 20],
  ] // prettier-ignore
  const halo = { 'text-halo-color': colours.halo, 'text-halo-width': 1.4, 'text-halo-blur': 0.4 }
  return [
    {
      id: 'countries',
      type: 'symbol',
      source: 'countries',
      minzoom: 1.5,
      maxzoom: 6.5,
      filter: ['>=', ['get', 'size'], ['step', ['zoom'], 150, 2, 60, 3, 12, 4, 2, 5, 0]],
      layout: {
        'text-field': ['upcase', ['get', 'name']],
        'text-font': FONT,
        'text-size': ['interpolate', ['linear'], ['zoom'], 2, 9.5, 6, 13],
        'text-letter-spacing': 0.12,
        'text-max-width': 7,
        'symbol-sort-key': ['-', 0, ['get', 'size']],
      },
      paint: { 'text-color': colours.country, ...halo },
    },
    {
      id: 'place-dots',
      type: 'circle',
      source: 'places',
      minzoom: 3,
      maxzoom: 10,
      filter: ['all', ['!', isPart], ['any', isNamed, ['all', isCapital, ['>=', ['zoom'], 4]]]],
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 3, 1.6, 9, 2.4],
        'circle-color': colours.halo,
        'circle-stroke-color': colours.place,
        'circle-stroke-width': 1,
      },
    },
    {
      id: 'city-parts',
      type: 'symbol',
      source: 'places',
      minzoom: 10.5,
      filter: isPart,
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': ['interpolate', ['linear'], ['zoom'], 10.5, 10.5, 14, 13],
        'text-letter-spacing': 0.04,
        'text-padding': 8,
        'symbol-sort-key': ['-', 0, ['get', 'population']],
      },
      paint: { 'text-color': colours.town, ...halo },
    },
    {
      id: 'cities',
      type: 'symbol',
      source: 'places',
      minzoom: 3,
      filter: ['all', ['!', isPart], ['any', isNamed, ['all', isCapital, ['>=', ['zoom'], 4]]]],
      layout: {
        'text-field': ['get', 'name'],
        'text-font': ['case', ['>=', ['get', 'population'], 300_000], ['literal', FONT_STRONG], ['literal', FONT]],
        'text-size': size,
        'text-variable-anchor-offset': ['step', ['zoom'],
          ['literal', ['left', [0.5, 0], 'right', [-0.5, 0], 'bottom', [0, -0.5], 'top', [0, 0.5]]],
          10, ['literal', ['center', [0, 0]]],
        ], // prettier-ignore
        'text-padding': 4,
        'symbol-sort-key': ['-', 0, ['get', 'population']],
      },
      paint: {
        'text-color': ['case', ['>=', ['get', 'population'], 150_000], colours.city, colours.town],
        ...halo,
      },
    },
  ]
}
