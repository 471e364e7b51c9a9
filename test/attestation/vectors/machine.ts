import { createHash } from 'node:crypto'
import {
  bootEvent,
  replayRtmr,
  runtimeEvent,
  type TdxEvent,
} from '../../../src/provider/tee/simulated/events.ts'
import { type Machine, simulatedMachine } from '../../../src/provider/tee/simulated/machine.ts'
import { type Document, OTHER_SIGNER } from '../support/scene.ts'
import { type Vector, vector } from './vector.ts'

const HONEST = simulatedMachine()
const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The document's log changed, the quote as it was. */
const log = (change: (events: TdxEvent[]) => unknown) => (document: Document) => ({
  ...document,
  event_log: JSON.stringify(change(JSON.parse(String(document.event_log)) as TdxEvent[])),
})

const tcb = (change: Record<string, unknown>) => (document: Document) => ({
  ...document,
  tcb_info: JSON.stringify({ ...(JSON.parse(String(document.tcb_info)) as object), ...change }),
})

/** A machine that really measured these events. */
const measured =
  (change: (events: readonly TdxEvent[]) => TdxEvent[]) =>
  (machine: Machine): Machine => {
    const events = change(machine.events)
    return { ...machine, events, rtmrs: [0, 1, 2, 3].map((imr) => replayRtmr(events, imr)) }
  }

const compose = (file: string) =>
  JSON.stringify({ manifest_version: 2, name: 'app', runner: 'docker-compose', docker_compose_file: file })
const PINNED = `repo/image@sha256:${digest('image')}`

/** Compose files that a pinned policy must not take for fixed code. */
const mutable: Record<string, string> = {
  'an image by its tag': 'services:\n  a:\n    image: repo/image:latest\n',
  'an image without a tag': 'services:\n  a:\n    image: repo/image\n',
  'a pinned image and one by its tag': `services:\n  a:\n    image: ${PINNED}\n  b:\n    image: other:1\n`,
  'a tag that looks like a digest': 'services:\n  a:\n    image: repo/image:sha256-abcdef\n',
  'a digest that is too short': 'services:\n  a:\n    image: repo/image@sha256:abcdef\n',
  'an image in quotes': 'services:\n  a:\n    "image": "repo/image:1"\n',
  'an image in flow style': 'services: {a: {image: repo/image:1}}\n',
  'an image by variable': 'services:\n  a:\n    image: $IMAGE\n',
  'an image by reference': `x: &i repo/image:1\nservices:\n  a:\n    image: *i\n`,
  'something built at the start': 'services:\n  a:\n    build: .\n',
  'something included': 'include:\n  - other.yml\n',
  'a key with an escape': 'services:\n  a:\n    "im\\u0061ge": repo/image:1\n',
  'an explicit key': 'services:\n  a:\n    ? image\n    : repo/image:1\n',
}

const names = ['firmware', 'separator', 'kernel'] as const

/** Event log, compose file, OS image, images. */
export const machine: readonly Vector[] = [
  ...names.map((name, index) =>
    vector('event-log', `another digest for the ${name}`, {
      document: log((events) =>
        events.map((event) => (event.imr === index ? { ...event, digest: 'ab'.repeat(48) } : event)),
      ),
    }),
  ),
  vector('event-log', 'an event too few', { document: log((events) => events.slice(0, -1)) }),
  vector('event-log', 'an event too many', {
    document: log((events) => [...events, runtimeEvent('more', new Uint8Array())]),
  }),
  vector('event-log', 'a boot event too many', {
    document: log((events) => [...events, bootEvent(1, 4, Buffer.from('more'))]),
  }),
  vector('event-log', 'events in another order', { document: log((events) => events.toReversed()) }),
  vector('event-log', 'an event moved to another register', {
    document: log((events) => events.map((event) => (event.imr === 2 ? { ...event, imr: 1 } : event))),
  }),
  vector('event-log', 'an empty log', { document: log(() => []) }),
  vector('event-log', 'the payload of a runtime event changed under its digest', {
    document: log((events) =>
      events.map((event) =>
        event.event === 'compose-hash' ? { ...event, event_payload: digest('x') } : event,
      ),
    ),
  }),
  vector('event-log', 'the name of a runtime event changed under its digest', {
    document: log((events) =>
      events.map((event) => (event.event === 'app-id' ? { ...event, event: 'app-ie' } : event)),
    ),
  }),
  vector('event-log', 'a digest of a runtime event changed', {
    document: log((events) =>
      events.map((event) => (event.event === 'app-id' ? { ...event, digest: '00'.repeat(48) } : event)),
    ),
  }),
  vector('event-log', 'an event of a controller that is hidden under another type', {
    machine: measured((events) => [...events, runtimeEvent('zg-image-update', Buffer.from('x'))]),
    document: log((events) =>
      events.map((event) => (event.event.startsWith('zg-') ? { ...event, event_type: 7, event: '' } : event)),
    ),
  }),
  vector('event-log', 'the type of a runtime event changed', {
    document: log((events) =>
      events.map((event) =>
        event.event === 'app-id' ? { ...event, event_type: 7, digest: '11'.repeat(48) } : event,
      ),
    ),
  }),
  ...[0, 1, 2, 3].map((imr) =>
    vector('event-log', `another RTMR${imr} in the quote`, {
      report: (report) => ({
        ...report,
        rtmrs: report.rtmrs.map((rtmr, index) => (index === imr ? Buffer.alloc(48, 5) : rtmr)),
      }),
    }),
  ),
  ...['mrtd', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'].map((name) =>
    vector('event-log', `another ${name} stated beside the quote`, {
      document: tcb({ [name]: '00'.repeat(48) }),
    }),
  ),

  vector('compose-hash', 'another compose file beside the quote', {
    document: tcb({ app_compose: compose(`services:\n  a:\n    image: ${PINNED}\n`) }),
  }),
  vector('compose-hash', 'a compose file with a space more', {
    document: (document) => tcb({ app_compose: `${HONEST.appCompose} ` })(document),
  }),
  vector('compose-hash', 'a stated hash that is not that of the file', {
    document: tcb({ compose_hash: digest('x') }),
  }),
  vector('compose-hash', 'another mr_config_id', {
    report: (report) => ({ ...report, mrConfigId: Buffer.alloc(48, 1) }),
  }),
  vector('compose-hash', 'an empty mr_config_id', {
    report: (report) => ({ ...report, mrConfigId: Buffer.alloc(48) }),
  }),
  vector('compose-hash', 'an mr_config_id with something after the hash', {
    report: (report) => {
      const mrConfigId = Buffer.from(report.mrConfigId)
      mrConfigId[47] = 1
      return { ...report, mrConfigId }
    },
  }),
  vector('compose-hash', 'a log without a compose hash', {
    machine: measured((events) => events.filter(({ event }) => event !== 'compose-hash')),
  }),
  vector('compose-hash', 'a log with two compose hashes at the start', {
    machine: measured((events) =>
      events.flatMap((event) =>
        event.event === 'compose-hash'
          ? [runtimeEvent('compose-hash', Buffer.from(digest('x'), 'hex')), event]
          : [event],
      ),
    ),
  }),
  vector('compose-hash', 'a compose hash that only the app measured, after the start', {
    machine: measured((events) => {
      const own = events.find(({ event }) => event === 'compose-hash')!
      return [...events.filter((event) => event !== own), own]
    }),
  }),
  vector('compose-hash', 'a compose hash in a register of the firmware', {
    machine: measured((events) =>
      events.map((event) => (event.event === 'compose-hash' ? { ...event, imr: 2 as const } : event)),
    ),
  }),

  vector('app', 'an app that the policy does not name', {
    appCompose: compose(`services:\n  a:\n    image: ${PINNED}\n`),
  }),
  vector('app', 'another app, where the policy names one', {
    appCompose: compose(''),
    policy: { apps: [digest('x')] },
  }),
  vector('os-image', 'another TD', {
    report: (report) => ({ ...report, mrtd: Buffer.alloc(48, 3) }),
    document: tcb({ mrtd: '03'.repeat(48) }),
  }),
  ...[0, 1, 2].map((imr) =>
    vector('os-image', `${names[imr]} that the policy does not name`, {
      machine: measured((events) => [...events, bootEvent(imr as 0 | 1 | 2, 1, Buffer.from('another'))]),
    }),
  ),
  vector('os-image', 'an OS image that the policy does not name', {
    machine: (own) => {
      const osImageHash = Buffer.from(digest('another image'), 'hex')
      const changed = measured((events) =>
        events.map((event) =>
          event.event === 'os-image-hash' ? runtimeEvent('os-image-hash', osImageHash) : event,
        ),
      )(own)
      return { ...changed, osImageHash }
    },
  }),
  vector('os-image', 'another OS image stated by the document', {
    document: tcb({ os_image_hash: digest('x') }),
  }),
  vector('os-image', 'another OS image stated by the machine', {
    document: (document) => ({ ...document, vm_config: JSON.stringify({ os_image_hash: digest('x') }) }),
  }),
  vector('os-image', 'two OS images in the log', {
    machine: measured((events) =>
      events.flatMap((event) => (event.event === 'os-image-hash' ? [event, event] : [event])),
    ),
  }),
  vector('os-image', 'no OS image in the log, where the policy names one', {
    machine: measured((events) => events.filter(({ event }) => event !== 'os-image-hash')),
  }),

  ...Object.entries(mutable).map(([name, file]) =>
    vector('images-pinned', name, {
      appCompose: compose(file),
      policy: { apps: 'any', pinnedImages: 'required' },
    }),
  ),
  vector('images-pinned', 'a controller that changed the image after the start', {
    machine: measured((events) => [...events, runtimeEvent('zg-image-update', Buffer.from('x'))]),
    policy: { pinnedImages: 'required' },
  }),

  vector('additional-info', 'a service that states nonsense', {
    service: { additionalInfo: '{"TEEVerifier"' },
  }),
  vector('additional-info', 'a service that states a list', { service: { additionalInfo: '[]' } }),
  vector('additional-info', 'a service that names another verifier', {
    service: { additionalInfo: '{"TEEVerifier":"cryptopilot"}' },
  }),
  vector('additional-info', 'a model server of its own without a signer', {
    service: { additionalInfo: '{"TargetSeparated":true}' },
  }),
  vector('additional-info', 'a model server of its own with a signer that is none', {
    service: { additionalInfo: '{"TargetSeparated":true,"TargetTeeAddress":"0x12"}' },
  }),
  vector('additional-info', 'an image digest that does not run', {
    service: {
      additionalInfo: JSON.stringify({
        ImageDigest: `sha256:${digest('x')}`,
        TargetTeeAddress: OTHER_SIGNER,
      }),
    },
  }),
]
