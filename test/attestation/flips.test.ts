import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { coveredPart } from '../../src/attestation/coverage.ts'
import { readEvidence } from '../../src/attestation/evidence.ts'
import { verifyProvider } from '../../src/attestation/verifyProvider.ts'
import { AppError, EXIT } from '../../src/base/errors.ts'
import { scene } from './support/scene.ts'

/** The long profile: `LONG=1`. */
const FLIPS = process.env.LONG ? 1000 : 60
const SEED = Number(process.env.SEED ?? randomInt(2 ** 31))

it.each([
  ['bound, version 4', { gpu: true, policy: { gpu: 'required' } }],
  ['bound, version 5', { quote: { version: 5 } }],
  ['of a model server', { layout: 'model', gpu: true, policy: { gpu: 'required' } }],
] as const)(
  `${FLIPS} random changes of a byte in evidence %s (SEED=${SEED})`,
  { timeout: 600_000 },
  async (_name, changes) => {
    const { given, options } = scene(changes)
    const document = given.document!
    const honest = coveredPart(readEvidence(document))
    const random = generator(SEED)
    const outcomes: Record<string, number> = {}
    for (let i = 0; i < FLIPS; i++) {
      const bytes = Buffer.from(document)
      const at = Math.floor(random() * bytes.length)
      bytes[at]! ^= 1 + Math.floor(random() * 255)
      const changed = bytes.toString('utf8')
      const outcome = await verifyProvider({ ...given, document: changed }, options).then(
        (verdict) => verdict.outcome,
        (error: unknown) => {
          expect(error, `byte ${at}`).toBeInstanceOf(AppError)
          expect((error as AppError).exitCode, `byte ${at}`).toBe(EXIT.malformed)
          return 'malformed'
        },
      )
      if (outcome === 'accepted')
        expect(coveredPart(readEvidence(changed)) === honest, `byte ${at} is covered`).toBe(true)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(FLIPS)
    expect((outcomes.rejected ?? 0) + (outcomes.malformed ?? 0)).toBeGreaterThan(FLIPS / 2)
  },
)

/** Mulberry32: the same flips for the same seed. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
