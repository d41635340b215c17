// A real server on a fresh data directory, with a user whose trackers a test may add.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const PANEL_PASSWORD = 'panel-password'
export const USER = { login: 'anna@example.com', password: 'user-password' }

export class Server {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    /** host:port */
    readonly http: string,
    readonly teltonika: string,
  ) {}

  /** The binary named by OUTRIDER_BINARY. */
  static async start(): Promise<Server> {
    const binary = process.env['OUTRIDER_BINARY']
    if (binary === undefined) throw new Error('OUTRIDER_BINARY must name the server to test')
    const folder = await mkdtemp(join(tmpdir(), 'outrider-console-'))
    const data = join(folder, 'data')
    const child = spawn(binary, ['serve', '--data-dir', data], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        OUTRIDER__HTTP__LISTEN: '127.0.0.1:0',
        OUTRIDER__ADMIN__LISTEN: '127.0.0.1:0',
        OUTRIDER__PANEL__PASSWORD: PANEL_PASSWORD,
        OUTRIDER__DEVICES__ANY: '0',
        OUTRIDER__DEVICES__PORTS__TELTONIKA: '0',
      },
    })
    await ready(child)
    const addresses = JSON.parse(await readFile(join(data, 'ready.json'), 'utf8'))
    return new Server(child, folder, addresses.http, addresses.devices.teltonika.tcp)
  }

  async stop() {
    const exit = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await exit
    await rm(this.folder, { recursive: true })
  }

  /** Makes USER and answers with their session. */
  async user(): Promise<Session> {
    const panel = new Session(this.http, null)
    const { hash } = await panel.call('panel/account/auth', { login: 'admin', password: PANEL_PASSWORD })
    await new Session(this.http, hash).call('panel/user/create', {
      user: { login: USER.login },
      password: USER.password,
    })
    const session = await panel.call('user/auth', USER)
    return new Session(this.http, session.hash)
  }
}

export class Session {
  constructor(
    private readonly http: string,
    private readonly hash: string | null,
  ) {}

  async call(action: string, parameters: object): Promise<any> {
    const response = await fetch(`http://${this.http}/v2/${action}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...parameters, ...(this.hash !== null && { hash: this.hash }) }),
    })
    const answer = (await response.json()) as { success: boolean }
    if (!answer.success) throw new Error(`${action}: ${JSON.stringify(answer)}`)
    return answer
  }

  /** Registers a Teltonika FMB920 and answers with its tracker's id. */
  async register(label: string, imei: string, group = 0): Promise<number> {
    const tracker = { label, group_id: group, plugin_id: 44, model: 'telfmb920', device_id: imei }
    const { value } = await this.call('tracker/register', tracker)
    return value.id
  }
}

/** Settles when the server says that it is ready; fails with its log when it ends before. */
async function ready(child: ChildProcess) {
  if (child.stderr === null) throw new Error('the server has no log')
  const log: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    log.push(line)
    if (line.includes(' ready ')) {
      child.stderr.resume()
      return
    }
  }
  throw new Error(`the server ended before it was ready:\n${log.join('\n')}`)
}
