// The console in a browser, against a real server and a device that speaks to it.

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { launch } from './browser'
import { logIn, markers, site, type Site } from './page'
import { Server, USER } from './server'
import { Device } from './teltonika'

const IMEI = '356307042441013'
const START = { lat: 53.5511, lng: 9.9937, heading: 90, speed: 36 }

let browser: Browser
let server: Server
let served: Site
let page: Page
let faults: string[]

beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

beforeEach(async () => {
  server = await Server.start()
  served = await site(server.http)
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  faults = []
  page.on('pageerror', (fault) => faults.push(fault.message))
  await page.goto(served.url)
})
afterEach(async () => {
  await page.close()
  await served.close()
  await server.stop()
  expect(faults).toEqual([])
})

test('a wrong password is told in words', async () => {
  await server.user()
  await logIn(page, USER.login, 'wrong')
  await page.getByText('Wrong login or password.').waitFor()
  expect(await page.getByLabel('Password').inputValue()).toBe('wrong')
})

test('a marker appears and moves as the device reports', async () => {
  const anna = await server.user()
  await anna.register('Van 1', IMEI)
  const device = await Device.logIn(server.teltonika, IMEI)
  const now = Date.now()
  await device.send({ ...START, time: now - 2_000 })

  await logIn(page, USER.login, USER.password)
  const row = page.getByRole('button', { name: /Van 1/ })
  await row.getByText('36 km/h').waitFor()
  await row.getByText('Active · Moving').waitFor()
  await page.getByRole('status').getByText('Live').waitFor()
  const before = await settled(page)

  // 400 m to the east.
  await device.send({ ...START, lng: START.lng + 0.006, speed: 54, time: now })
  await row.getByText('54 km/h').waitFor()
  await expect.poll(async () => ((await markers(page))?.x ?? 0) - before.x, { timeout: 20_000 }).toBeGreaterThan(20)
  const after = await settled(page)
  expect(Math.abs(after.y - before.y)).toBeLessThan((after.x - before.x) / 4)
  device.close()
})

test('without the feed the page asks', async () => {
  await page.routeWebSocket('**/event/subscription', (socket) => socket.close())
  const anna = await server.user()
  await anna.register('Van 1', IMEI)
  await logIn(page, USER.login, USER.password)
  await page.getByRole('status').getByText('Polling').waitFor()
  const device = await Device.logIn(server.teltonika, IMEI)
  await device.send({ ...START, time: Date.now() })
  await page.getByRole('button', { name: /Van 1/ }).getByText('36 km/h').waitFor()
  device.close()
})

test('a click on the marker opens what is known of it', async () => {
  const anna = await server.user()
  await anna.register('Van 1', IMEI)
  const device = await Device.logIn(server.teltonika, IMEI)
  await device.send({ ...START, time: Date.now() })
  await logIn(page, USER.login, USER.password)
  const { x, y } = await settled(page)

  // Above the middle of marker and name is the marker.
  const box = await page.locator('canvas.fleet-overlay').boundingBox()
  await page.mouse.click((box?.x ?? 0) + x, (box?.y ?? 0) + y - 8)
  const panel = page.getByRole('complementary', { name: 'Van 1' })
  await panel.getByText('53.55110, 9.99370').waitFor()
  await panel.getByText(IMEI).waitFor()
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  device.close()
})

test('the panel tells how far the tracker came today', async () => {
  const anna = await server.user()
  await anna.register('Van 1', IMEI)
  const device = await Device.logIn(server.teltonika, IMEI)
  const now = Date.now()
  for (const step of [0, 1, 2, 3]) {
    await device.send({ ...START, lng: START.lng + step * 0.002, time: now - (3 - step) * 2_000 })
  }
  await logIn(page, USER.login, USER.password)
  await page.getByRole('button', { name: /Van 1/ }).click()
  await page
    .getByRole('complementary', { name: 'Van 1' })
    .getByText(/^39\d m today/)
    .waitFor()
  device.close()
})

test('a command is sent from the panel, and its answer stands there', async () => {
  const anna = await server.user()
  await anna.register('Van 1', IMEI)
  const device = await Device.logIn(server.teltonika, IMEI)
  await device.send({ ...START, time: Date.now() })
  await logIn(page, USER.login, USER.password)
  await page.getByRole('button', { name: /Van 1/ }).click()
  const commands = page.getByRole('region', { name: 'Commands' })
  await commands.getByText('Nothing was sent to this device yet.').waitFor()

  const heard = device.command()
  await commands.getByLabel('Command for the device').fill('getver')
  await page.keyboard.press('Enter')
  expect(await heard).toBe('getver')
  await commands.getByText('Sent, no answer yet').waitFor()
  device.reply('Ver:03.27.07_00 Hw:FMB920')
  await commands.getByText('Done').waitFor()
  await commands.getByText('Ver:03.27.07_00 Hw:FMB920').waitFor()
  expect(await commands.getByLabel('Command for the device').inputValue()).toBe('')
  device.close()
})

test('who logs out is at the door again, also after a reload', async () => {
  await server.user()
  await logIn(page, USER.login, USER.password)
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
})

test('a session that ended elsewhere leads to the door, with the reason', async () => {
  const anna = await server.user()
  await logIn(page, USER.login, USER.password)
  await page.getByRole('searchbox').waitFor()
  await anna.call('user/password/set', { old_password: USER.password, new_password: 'another-password' })
  await page.getByText('Your session has ended. Please log in again.').waitFor()
})

/** Where the ink is once it stays there: the map was fitted and nothing glides. */
async function settled(page: Page): Promise<{ x: number; y: number }> {
  let last: { x: number; y: number } | null = null
  await expect
    .poll(
      async () => {
        const seen = await markers(page)
        const stays = seen !== null && last !== null && Math.hypot(seen.x - last.x, seen.y - last.y) < 0.01
        last = seen
        return stays
      },
      { interval: 200, timeout: 20_000 },
    )
    .toBe(true)
  return last!
}
