// Serves the built console in front of a server that does not embed it, and reads what the page shows.

import type { Page } from 'playwright-core'
import { preview } from 'vite'

export interface Site {
  url: string
  close(): Promise<void>
}

/** The console as the server at `http` serves it; from web/dist when that server has none. */
export async function site(http: string): Promise<Site> {
  const answer = await fetch(`http://${http}/`)
  if (answer.headers.get('content-type')?.includes('text/html')) {
    return { url: `http://${http}/`, close: async () => undefined }
  }
  const target = `http://${http}`
  const served = await preview({
    configFile: false,
    logLevel: 'error',
    preview: { host: '127.0.0.1', port: 0, proxy: { '/v2': { target, ws: true } } },
  })
  const url = served.resolvedUrls?.local[0]
  if (url === undefined) throw new Error('the preview has no address')
  return { url, close: () => served.close() }
}

export async function logIn(page: Page, login: string, password: string) {
  await page.getByLabel('Login').fill(login)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

/** Where the ink of the fleet's canvas has its centre, in pixels of the canvas; null while it is empty. */
export function markers(page: Page): Promise<{ x: number; y: number } | null> {
  return page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas.fleet-overlay')
    const context = canvas?.getContext('2d')
    if (!canvas || !context || canvas.width === 0) return null
    const { data, width } = context.getImageData(0, 0, canvas.width, canvas.height)
    let [x, y, ink] = [0, 0, 0]
    for (let at = 3; at < data.length; at += 4) {
      const alpha = data[at] ?? 0
      const pixel = (at - 3) / 4
      x += (pixel % width) * alpha
      y += Math.floor(pixel / width) * alpha
      ink += alpha
    }
    return ink === 0 ? null : { x: x / ink, y: y / ink }
  })
}
