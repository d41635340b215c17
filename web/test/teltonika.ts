// The device's side of a Teltonika conversation, as far as a test needs it: log in, send one record, be acknowledged.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Report {
  time: number
  lat: number
  lng: number
  /** Degrees clockwise from north. */
  heading: number
  /** km/h */
  speed: number
}

const CODEC_8 = 0x08
const CODEC_12 = 0x0c

export class Device {
  private constructor(private readonly socket: Socket) {}

  /** Logs in; fails when the server does not know the device. */
  static async logIn(address: string, imei: string): Promise<Device> {
    const [host, port] = address.split(':')
    const socket = connect(Number(port), host)
    await once(socket, 'connect')
    const login = Buffer.alloc(2 + imei.length)
    login.writeUInt16BE(imei.length)
    login.write(imei, 2)
    socket.write(login)
    const device = new Device(socket)
    const answer = await device.answer()
    if (answer[0] !== 1) throw new Error(`the server refused ${imei}`)
    return device
  }

  /** Settles once the server has acknowledged the record. */
  async send(report: Report) {
    this.socket.write(frame(record(report)))
    const answer = await this.answer()
    if (answer.readUInt32BE() !== 1) throw new Error('the server did not acknowledge one record')
  }

  /** Settles with the text of the next command (codec 12, type 5). */
  async command(): Promise<string> {
    const packet = await this.answer()
    if (packet.readUInt8(8) !== CODEC_12) throw new Error('no command came')
    return packet.subarray(15, 15 + packet.readUInt32BE(11)).toString()
  }

  /** Answers a command (codec 12, type 6). */
  reply(text: string) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    this.socket.write(
      packet(Buffer.concat([Buffer.from([CODEC_12, 1, 6]), length, Buffer.from(text), Buffer.from([1])])),
    )
  }

  close() {
    this.socket.destroy()
  }

  private async answer(): Promise<Buffer> {
    const [answer] = (await once(this.socket, 'data')) as [Buffer]
    return answer
  }
}

/** One record of codec 8: fix, and the inputs ignition (239) and movement (240). */
function record({ time, lat, lng, heading, speed }: Report): Buffer {
  const fix = Buffer.alloc(24)
  fix.writeBigUInt64BE(BigInt(time), 0)
  fix.writeUInt8(1, 8)
  fix.writeInt32BE(Math.round(lng * 1e7), 9)
  fix.writeInt32BE(Math.round(lat * 1e7), 13)
  fix.writeInt16BE(34, 17)
  fix.writeUInt16BE(heading, 19)
  fix.writeUInt8(11, 21)
  fix.writeUInt16BE(speed, 22)
  const isMoving = speed > 0 ? 1 : 0
  return Buffer.concat([fix, Buffer.from([0, 2, 2, 239, 1, 240, isMoving, 0, 0, 0])])
}

function frame(record: Buffer): Buffer {
  return packet(Buffer.concat([Buffer.from([CODEC_8, 1]), record, Buffer.from([1])]))
}

function packet(data: Buffer): Buffer {
  const whole = Buffer.alloc(8 + data.length + 4)
  whole.writeUInt32BE(data.length, 4)
  data.copy(whole, 8)
  whole.writeUInt32BE(crc16(data), 8 + data.length)
  return whole
}

/** CRC-16/ARC. */
function crc16(data: Buffer): number {
  let crc = 0
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1
  }
  return crc
}
