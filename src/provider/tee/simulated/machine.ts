import { createHash } from 'node:crypto'
import type { SimulatedTeeTrust } from '../../../chain/networks.ts'
import { bootEvent, replayRtmr, runtimeEvent, type TdxEvent } from './events.ts'
import type { TdReportFields } from './quote.ts'

/** What "runs" in the simulated machine: an image by its content, a log that replays, registers. */
export interface Machine {
  readonly appCompose: string
  readonly composeHash: Uint8Array
  readonly osImageHash: Uint8Array
  readonly events: readonly TdxEvent[]
  readonly mrtd: Uint8Array
  readonly rtmrs: readonly Uint8Array[]
}

/** UEFI's event types for firmware and for separators, as a real log has them. */
const EV_SEPARATOR = 4
const EV_PLATFORM_CONFIG = 10

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

const APP_COMPOSE = JSON.stringify({
  manifest_version: 2,
  name: '0g-compute-simulated',
  runner: 'docker-compose',
  docker_compose_file: `services:\n  broker:\n    image: 0g-compute/simulated@sha256:${sha256('simulated image').toString('hex')}\n`,
})

/** @param appCompose default that of every devnet */
export function simulatedMachine(appCompose: string = APP_COMPOSE): Machine {
  const composeHash = sha256(appCompose)
  const osImageHash = sha256('simulated os image')
  const events = eventsOf(composeHash, osImageHash)
  return {
    appCompose,
    composeHash,
    osImageHash,
    events,
    mrtd: createHash('sha384').update('simulated td').digest(),
    rtmrs: [0, 1, 2, 3].map((imr) => replayRtmr(events, imr)),
  }
}

function eventsOf(composeHash: Uint8Array, osImageHash: Uint8Array): TdxEvent[] {
  const none = new Uint8Array()
  const appId = composeHash.subarray(0, 20)
  return [
    bootEvent(0, EV_PLATFORM_CONFIG, Buffer.from('simulated firmware')),
    bootEvent(1, EV_SEPARATOR, new Uint8Array(4)),
    bootEvent(2, EV_PLATFORM_CONFIG, Buffer.from('simulated kernel')),
    runtimeEvent('system-preparing', none),
    runtimeEvent('app-id', appId),
    runtimeEvent('compose-hash', composeHash),
    runtimeEvent('instance-id', appId),
    runtimeEvent('boot-mr-done', none),
    runtimeEvent('os-image-hash', osImageHash),
    runtimeEvent('key-provider', Buffer.from('{"name":"simulated","id":""}')),
    runtimeEvent('system-ready', none),
  ]
}

/** The machine's TD report around 64 bytes. */
export function reportOf({ composeHash, mrtd, rtmrs }: Machine, reportData: Uint8Array): TdReportFields {
  const mrConfigId = Buffer.alloc(48)
  mrConfigId.set([1, ...composeHash])
  return { mrtd, mrConfigId, rtmrs, reportData }
}

/** `tcb_info` and `vm_config` as dstack writes them. */
export function describe(machine: Machine): { tcbInfo: string; vmConfig: string; eventLog: string } {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const osImageHash = hex(machine.osImageHash)
  return {
    eventLog: JSON.stringify(machine.events),
    tcbInfo: JSON.stringify({
      mrtd: hex(machine.mrtd),
      ...Object.fromEntries(machine.rtmrs.map((rtmr, index) => [`rtmr${index}`, hex(rtmr)])),
      os_image_hash: osImageHash,
      compose_hash: hex(machine.composeHash),
      device_id: hex(sha256('simulated device')),
      app_compose: machine.appCompose,
    }),
    vmConfig: JSON.stringify({
      spec_version: 1,
      os_image_hash: osImageHash,
      cpu_count: 1,
      memory_size: 0,
      num_gpus: 0,
      simulated: true,
    }),
  }
}

/** What a devnet's profile says about its machine. @param root certificate, DER */
export function trustIn(machine: Machine, root: Uint8Array): SimulatedTeeTrust {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  return {
    root: Buffer.from(root).toString('base64'),
    mrtd: hex(machine.mrtd),
    rtmr0: hex(machine.rtmrs[0]!),
    rtmr1: hex(machine.rtmrs[1]!),
    rtmr2: hex(machine.rtmrs[2]!),
    osImageHash: hex(machine.osImageHash),
    composeHash: hex(machine.composeHash),
  }
}
