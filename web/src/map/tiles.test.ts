import { expect, test, vi } from 'vitest'

vi.mock('maplibre-gl', () => ({ addProtocol: () => undefined }))
const { packOf, unpack } = await import('./tiles')

test('which pack has a tile', () => {
  for (const [tile, pack] of [
    ['0/0/0', 'world'],
    ['2/3/1', 'world'],
    ['3/4/2', '3-4-2'],
    ['4/9/5', '3-4-2'],
    ['6/39/23', '3-4-2'],
    ['6/40/23', '3-5-2'],
  ] as const) {
    expect(packOf(tile), tile).toBe(pack)
  }
})

test('a pack is opened by its index', () => {
  const index = new TextEncoder().encode('{"3/4/2":[1,2]}')
  const bytes = new Uint8Array([index.length, 0, 0, 0, ...index, 7, 8, 9])
  const pack = unpack(bytes.buffer)
  const [offset, length] = pack.index['3/4/2']!
  expect([...new Uint8Array(pack.bytes, pack.start + offset, length)]).toEqual([8, 9])
})
