import { bytesToHex } from '../base/hex.ts'
import { sameBytes, shortHex } from './bytes.ts'
import { composeHash, imagesOf } from './compose.ts'
import { bootPayloads, changesAfterBoot, REGISTERS, replayEvents } from './eventLog.ts'
import type { Evidence } from './evidence.ts'
import type { AllowedMeasurement, Policy } from './policy.ts'
import type { StepList } from './verdict.ts'

/** What runs in the machine: log, compose file, OS image, images. */
export async function checkMeasurements(steps: StepList, evidence: Evidence, policy: Policy): Promise<void> {
  const replays = await checkEventLog(steps, evidence)
  checkCompose(steps, evidence)
  checkApp(steps, evidence, policy)
  checkOsImage(steps, evidence, policy, replays)
  checkImages(steps, evidence, policy)
}

/** @returns whether the log is that of the quote: only then do its payloads say anything */
async function checkEventLog(steps: StepList, { events, quote, stated, form }: Evidence): Promise<boolean> {
  if (!events) {
    steps.missing('event-log', 'the evidence has no event log: what the registers stand for is not known')
    return false
  }
  const { registers, forged, foreign } = await replayEvents(events)
  // Where dstack runs, nothing else extends RTMR3: an event of another type would hide what it is.
  const isHiding = foreign > 0 && form !== 'cryptopilot'
  const differing = REGISTERS.filter((index) => !sameBytes(registers[index]!, quote.report.rtmrs[index]!))
  const { mrtd, rtmrs } = quote.report
  const actual: Readonly<Record<string, string>> = {
    mrtd: bytesToHex(mrtd),
    ...Object.fromEntries(rtmrs.map((rtmr, index) => [`rtmr${index}`, bytesToHex(rtmr)])),
  }
  const misstated = Object.keys(actual).find(
    (name) => stated[name] !== undefined && stated[name] !== actual[name],
  )
  return steps.check(
    'event-log',
    differing.length === 0 && forged === null && misstated === undefined && !isHiding,
    'RTMR0 to RTMR3 of the quote replay from the event log',
    forged !== null
      ? `the digest of the event "${forged}" is not that of its content`
      : differing.length > 0
        ? `${differing.map((index) => `RTMR${index}`).join(', ')} does not`
        : isHiding
          ? 'RTMR3 has events that are not of dstack'
          : `the document misstates ${misstated}`,
  )
}

/** dstack measures the compose file twice: as an event in RTMR3, and as `mr_config_id` = 01 ‖ hash ‖ zeros. */
function checkCompose(steps: StepList, { appCompose, events, quote, stated, form }: Evidence): void {
  if (appCompose === null)
    return void steps.missing('compose-hash', 'the evidence does not show the compose file')
  if (form === 'cryptopilot') {
    return void steps.missing('compose-hash', 'how this platform measures its compose file is not published')
  }
  const hash = composeHash(appCompose)
  const logged = bootPayloads(events ?? [], 'compose-hash')
  const configId = bytesToHex(quote.report.mrConfigId)
  const inEvent = logged.length === 1 && logged[0] === hash
  const inConfigId = configId === `01${hash}${'0'.repeat(30)}`
  const isStated = stated.compose_hash === undefined || stated.compose_hash === hash
  steps.check(
    'compose-hash',
    inEvent && inConfigId && isStated,
    `sha256 of the compose file, ${shortHex(hash)}, in the event log and in mr_config_id`,
    !inEvent
      ? `the event log has ${logged.map(shortHex).join(', ') || 'none'}`
      : !inConfigId
        ? `mr_config_id is ${shortHex(configId)}`
        : 'the document states another',
  )
}

function checkApp(steps: StepList, { appCompose }: Evidence, { apps }: Policy): void {
  if (appCompose === null) return void steps.missing('app', 'the evidence does not show the app')
  if (apps === 'any') return void steps.check('app', true, 'the policy allows any app')
  const hash = composeHash(appCompose)
  if (apps.length === 0) return void steps.missing('app', `the policy names no app to compare ${hash} with`)
  steps.check('app', apps.includes(hash), 'an app that the policy names', hash)
}

function checkOsImage(steps: StepList, evidence: Evidence, { measurements }: Policy, replays: boolean): void {
  const { events, quote, stated } = evidence
  const logged = bootPayloads(events ?? [], 'os-image-hash')
  const osImageHash = replays && logged.length === 1 ? logged[0]! : undefined
  const words = [stated.os_image_hash, stated.vm_os_image_hash].filter((word) => word !== undefined)
  if (logged.length > 1 || (osImageHash !== undefined && words.some((word) => word !== osImageHash))) {
    return void steps.check(
      'os-image',
      false,
      'one OS image, the same everywhere',
      'the document names several',
    )
  }
  if (measurements === 'any') return void steps.check('os-image', true, 'the policy allows any image')
  const actual: Omit<AllowedMeasurement, 'name'> = {
    mrtd: bytesToHex(quote.report.mrtd),
    rtmr0: bytesToHex(quote.report.rtmrs[0]!),
    rtmr1: bytesToHex(quote.report.rtmrs[1]!),
    rtmr2: bytesToHex(quote.report.rtmrs[2]!),
    ...(osImageHash !== undefined && { osImageHash }),
  }
  const name = shortHex(osImageHash ?? actual.mrtd)
  if (measurements.length === 0)
    return void steps.missing('os-image', `the policy names no image to compare ${name} with`)
  const isAllowed = measurements.some((allowed) => matches(allowed, actual))
  steps.check('os-image', isAllowed, 'firmware, kernel and OS image are such that the policy allows', name)
}

const matches = (
  { name: _name, ...allowed }: AllowedMeasurement,
  actual: Omit<AllowedMeasurement, 'name'>,
): boolean =>
  Object.entries(allowed).every(([register, value]) => actual[register as keyof typeof actual] === value)

function checkImages(steps: StepList, { appCompose, events }: Evidence, { pinnedImages }: Policy): void {
  const images = appCompose === null ? null : imagesOf(appCompose)
  if (!images)
    return void steps.missing('images-pinned', 'the evidence shows no compose file that can be read')
  const changes = changesAfterBoot(events ?? [])
  const open = [...images.mutable, ...changes.map((name) => `(changed after the start: ${name})`)]
  const detail =
    images.pinned.length === 1
      ? '1 image named by its content'
      : `${images.pinned.length} images named by their content`
  if (open.length === 0) return void steps.check('images-pinned', true, detail)
  const found = `not fixed by the compose hash: ${open.join(', ')}`
  if (pinnedImages === 'required')
    return void steps.check('images-pinned', false, 'every image is named by its content', found)
  steps.missing('images-pinned', found)
}
