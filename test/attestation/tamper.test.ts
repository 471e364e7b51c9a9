import { describe, expect, it } from 'vitest'
import { verifyProvider } from '../../src/attestation/verifyProvider.ts'
import { AppError, EXIT } from '../../src/base/errors.ts'
import { scene } from './support/scene.ts'
import { binding } from './vectors/binding.ts'
import { gpu } from './vectors/gpu.ts'
import { machine } from './vectors/machine.ts'
import { malformedVectors } from './vectors/malformed.ts'
import { platform } from './vectors/platform.ts'
import { positive } from './vectors/positive.ts'
import type { Vector } from './vectors/vector.ts'

const verdictOn = ({ changes }: Vector) => {
  const { given, options } = scene(changes())
  return verifyProvider(given, options)
}

const negative = { platform, binding, machine, gpu, malformed: malformedVectors }

describe.each(Object.entries(negative))('%s', (_group, vectors) => {
  it.each(vectors.map((vector) => [vector.step, vector.name, vector] as const))(
    '%s: %s',
    async (step, _name, vector) => {
      if (step === 'malformed') {
        const thrown = await verdictOn(vector).then(
          () => null,
          (error: unknown) => error,
        )
        expect(thrown).toBeInstanceOf(AppError)
        const { code, exitCode, message } = thrown as AppError
        expect([code, exitCode]).toEqual(['evidence_malformed', EXIT.malformed])
        expect(message).not.toContain('\n')
        return
      }
      const verdict = await verdictOn(vector)
      expect(verdict.steps.filter(({ result }) => result === 'fail').map(({ name }) => name)).toContain(step)
      expect([verdict.outcome, verdict.assurance, verdict.encryptionKey]).toEqual(['rejected', 'none', null])
    },
  )
})

describe('honest evidence', () => {
  it.each(positive.map((vector) => [vector.name, vector] as const))('%s', async (_name, vector) => {
    const verdict = await verdictOn(vector)
    expect(verdict.steps.filter(({ result }) => result === 'fail')).toEqual([])
    expect([verdict.outcome, verdict.assurance]).toEqual(['accepted', 'simulated'])
  })
})

it('is a suite of the promised size, no two vectors alike', () => {
  const all = [...Object.values(negative).flat(), ...positive]
  expect(Object.values(negative).flat().length).toBeGreaterThanOrEqual(150)
  expect(positive.length).toBeGreaterThanOrEqual(10)
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
})
