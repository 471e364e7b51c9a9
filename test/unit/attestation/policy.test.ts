import { describe, expect, it } from 'vitest'
import schema from '../../../src/attestation/policy.schema.json' with { type: 'json' }
import { DEFAULT_POLICY, parsePolicy } from '../../../src/attestation/policy.ts'
import { EXIT } from '../../../src/base/errors.ts'

const SHA384 = 'ab'.repeat(48)

describe('a policy file', () => {
  it('has the fields and defaults of its JSON Schema', () => {
    const { $schema: _, ...properties } = schema.properties
    expect(Object.keys(properties).toSorted()).toEqual(Object.keys(DEFAULT_POLICY).toSorted())
    for (const [name, property] of Object.entries(properties)) {
      if ('default' in property)
        expect(DEFAULT_POLICY[name as keyof typeof DEFAULT_POLICY]).toEqual(property.default)
    }
  })

  it('may leave everything out', () => {
    expect(parsePolicy('{}')).toEqual(DEFAULT_POLICY)
    expect(parsePolicy('{"$schema":"policy.schema.json","v":1,"nonce":"required"}')).toEqual({
      ...DEFAULT_POLICY,
      nonce: 'required',
    })
  })

  it.each([
    { measurements: 'any', apps: 'any', advisories: [] },
    { measurements: [{ name: 'dstack 0.5', mrtd: SHA384, rtmr0: SHA384, osImageHash: 'cd'.repeat(32) }] },
    {
      apps: ['cd'.repeat(32)],
      tcbStatuses: ['OutOfDate'],
      gpu: 'required',
      tls: 'report',
      pinnedImages: 'required',
    },
    { maxTokensPerByte: 0.25 },
  ])('may say %j', (fields) => {
    expect(parsePolicy(JSON.stringify(fields))).toMatchObject(fields)
  })

  it.each([
    '',
    '[]',
    'null',
    '{"v":2}',
    '{"nonces":"required"}',
    '{"measurements":[{}]}',
    '{"measurements":[{"mrtd":"ab"}]}',
    `{"measurements":[{"mrtd":"${SHA384}","rtmr3":"${SHA384}"}]}`,
    '{"apps":"all"}',
    '{"apps":["AB"]}',
    '{"tcbStatuses":["Revoked"]}',
    '{"maxEvidenceAgeSeconds":-1}',
    '{"maxCollateralAgeSeconds":"30d"}',
    '{"gpu":true}',
    '{"maxTokensPerByte":0}',
    '{"maxTokensPerByte":1.1}',
    '{"maxTokensPerByte":"1"}',
  ])('is refused with exit 30: %s', (text) => {
    expect(() => parsePolicy(text)).toThrow(
      expect.objectContaining({ code: 'policy_malformed', exitCode: EXIT.malformed }),
    )
  })
})
