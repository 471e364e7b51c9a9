import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readEvidence } from '../../src/attestation/evidence.ts'
import { asciiReportData } from '../../src/attestation/reportData.ts'
import { verifyProvider } from '../../src/attestation/verifyProvider.ts'
import { issueQuote } from '../../src/provider/tee/simulated/quote.ts'
import { gpuPayload } from './support/nvidiaStandIn.ts'
import { AUTHORITY, SIGNER, scene } from './support/scene.ts'

interface Entry {
  /** 1 is RTMR0. */
  readonly register: number
  readonly type: number
  readonly payload: string
}

const ENTRIES: readonly Entry[] = [
  { register: 1, type: 0x80000001, payload: 'firmware' },
  { register: 2, type: 4, payload: 'separator' },
  { register: 3, type: 6, payload: 'kernel' },
  { register: 4, type: 6, payload: 'app' },
]

const sha384 = (...parts: readonly (Uint8Array | string)[]): Buffer<ArrayBuffer> => {
  const hash = createHash('sha384')
  for (const part of parts) hash.update(part)
  return Buffer.from(hash.digest())
}
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const u16 = (value: number): Buffer => u32(value).subarray(0, 2)

/** A binary log as firmware writes it: a head of the older form, records with SHA-256 and SHA-384, filler. */
function binaryLog(entries: readonly Entry[]): Buffer {
  const head = Buffer.concat([u32(1), u32(3), Buffer.alloc(20), u32(8), Buffer.from('Spec ID!')])
  const records = entries.map(({ register, type, payload }) =>
    Buffer.concat([
      u32(register),
      u32(type),
      u32(2),
      ...[u16(0x0b), createHash('sha256').update(payload).digest()],
      ...[u16(0x0c), sha384(payload)],
      ...[u32(payload.length), Buffer.from(payload)],
    ]),
  )
  return Buffer.concat([head, ...records, Buffer.alloc(64, 0xff)])
}

const registers = (entries: readonly Entry[]): Buffer[] =>
  [1, 2, 3, 4].map((register) => {
    let value = Buffer.alloc(48)
    for (const entry of entries) if (entry.register === register) value = sha384(value, sha384(entry.payload))
    return value
  })

function report(log: Buffer, compose = 'services:\n  a:\n    image: a:1\n'): string {
  const fields = {
    mrtd: sha384('td'),
    mrConfigId: Buffer.alloc(48),
    rtmrs: registers(ENTRIES),
    reportData: asciiReportData(SIGNER),
  }
  const quote = Buffer.from(issueQuote(AUTHORITY, fields, { version: 5 })).toString('base64')
  const evidence = JSON.stringify({
    quote,
    cc_eventlog: log.toString('base64'),
    gpu_evidence: gpuPayload('ab'.repeat(32)),
  })
  return JSON.stringify({ compose_content: compose, evidence: Buffer.from(evidence).toString('base64') })
}

const verdictOn = (document: string) => {
  const { given, options } = scene()
  return verifyProvider({ ...given, document }, options)
}

describe('the report of the cryptopilot platform', () => {
  it('is understood: a quote of version 5, a binary log that replays, GPU evidence', async () => {
    const document = report(binaryLog(ENTRIES))
    const { form, quote, events, gpu } = readEvidence(document)
    expect([form, quote.version, events?.length, gpu?.devices.length]).toEqual(['cryptopilot', 5, 4, 1])
    const verdict = await verdictOn(document)
    const results = Object.fromEntries(verdict.steps.map(({ name, result }) => [name, result]))
    expect(results).toMatchObject({
      'event-log': 'pass',
      'report-data': 'pass',
      'signer-on-chain': 'pass',
      freshness: 'skipped',
    })
    expect(results).toMatchObject({
      'compose-hash': 'skipped',
      'quote-signature': 'skipped',
      'gpu-evidence': 'fail',
    })
  })

  it('is rejected when the log is not that of the quote', async () => {
    const changed = ENTRIES.map((entry) =>
      entry.register === 4 ? { ...entry, payload: 'another app' } : entry,
    )
    const verdict = await verdictOn(report(binaryLog(changed)))
    expect(verdict.steps.find(({ name }) => name === 'event-log')?.result).toBe('fail')
  })

  it.each([0, 5, 31, 40, 60, 100, 200])('is malformed when its log is cut to %i bytes', async (length) => {
    const log = binaryLog(ENTRIES).subarray(0, length)
    // A log that ends between two records is a shorter log, and replays to something else.
    const outcome = await verdictOn(report(log)).then(
      (verdict) => verdict.outcome,
      (error: { code: string }) => error.code,
    )
    expect(['evidence_malformed', 'rejected']).toContain(outcome)
  })
})
