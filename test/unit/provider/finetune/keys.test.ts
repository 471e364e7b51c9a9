import { describe, expect, it } from 'vitest'
import { addressOf } from '../../../../src/protocol/signature.ts'
import { fileKey, fineTuningTee, KeyRing } from '../../../../src/provider/finetune/keys.ts'
import type { Tee } from '../../../../src/provider/tee/tee.ts'

const tee = (byte: number): Tee => {
  const signerKey = new Uint8Array(32).fill(byte)
  return {
    kind: 'none',
    signerKey,
    signer: addressOf(signerKey),
    encryption: null,
    quote: async () => Promise.reject(new Error('none')),
  }
}

describe('keys of tasks', () => {
  it('open under their own name and enclave alone', () => {
    const ring = new KeyRing(tee(1))
    const { key, wrapped } = ring.create('task')
    expect(wrapped).not.toContain(Buffer.from(key).toString('hex'))
    expect(Buffer.from(ring.open('task', wrapped)).equals(key)).toBe(true)
    expect(Buffer.from(new KeyRing(tee(1)).open('task', wrapped)).equals(key)).toBe(true)
    const flipped = `${wrapped.slice(0, -1)}${wrapped.endsWith('0') ? '1' : '0'}`
    for (const open of [
      () => ring.open('other', wrapped),
      () => new KeyRing(tee(2)).open('task', wrapped),
      () => ring.open('task', flipped),
      () => ring.open('task', ''),
    ])
      expect(open).toThrow(expect.objectContaining({ code: 'task_key_invalid' }))
  })

  it('give each file a key of its own', () => {
    const key = new Uint8Array(32).fill(3)
    expect(fileKey(key, 'a')).toHaveLength(32)
    expect(fileKey(key, 'a')).not.toEqual(fileKey(key, 'b'))
  })

  it('sign with a key that inference does not have, the same in every replica', () => {
    const own = fineTuningTee(tee(1))
    expect(own.signer).not.toBe(tee(1).signer)
    expect(own.signer).toBe(fineTuningTee(tee(1)).signer)
    expect(own.signer).toBe(addressOf(own.signerKey))
  })
})
