import { describe, expect, it, vi } from 'vitest'
import { reportLayout } from '../../../src/attestation/reportData.ts'
import { hexToBytes } from '../../../src/base/hex.ts'
import {
  bindingDigest,
  boundReportData,
  parseBinding,
  rootOfNonce,
} from '../../../src/protocol/quoteBinding.ts'
import { QuoteDesk, type QuoteDeskOptions } from '../../../src/provider/server/quote.ts'
import type { Tee } from '../../../src/provider/tee/tee.ts'
import { CAPABILITIES, MODELS, PROVIDER, SIGNER } from '../../attestation/support/scene.ts'

/** Hands out what it was asked to bind, instead of a quote. */
function countingTee() {
  const asked: Uint8Array[] = []
  const tee: Tee = {
    kind: 'none',
    signerKey: new Uint8Array(32),
    signer: SIGNER,
    encryption: null,
    quote: async (reportData) => {
      asked.push(reportData)
      return { quote: reportData, eventLog: '[]', tcbInfo: '{}', vmConfig: '{}', collateral: null }
    },
  }
  return { tee, asked }
}

const deskOf = (tee: Tee, options: Partial<QuoteDeskOptions> = {}) =>
  new QuoteDesk({
    tee,
    chainId: 1,
    contract: PROVIDER,
    provider: PROVIDER,
    models: () => MODELS,
    capabilities: CAPABILITIES,
    ...options,
  })

const nonceOf = (index: number): string => index.toString(16).padStart(64, '0')

interface Answer {
  quote: string
  report_data: string
  binding: string
  nonce: { value: string; index: number; siblings: string[] }
}
const ask = async (desk: QuoteDesk, nonce: string, address = 'here'): Promise<Answer> =>
  JSON.parse(await desk.document(`nonce=${nonce}`, address)) as Answer

/** What the answer's nonce and binding have to be in the quote. */
const boundBy = ({ binding, nonce }: Answer) =>
  Buffer.from(boundReportData(binding, rootOfNonce(hexToBytes(nonce.value), nonce))).toString('hex')

describe('QuoteDesk', () => {
  it('binds the encryption key where the deployed encryption asks for it', async () => {
    const { tee, asked } = countingTee()
    const publicKey = new Uint8Array(32).fill(7)
    const desk = deskOf({ ...tee, encryption: { publicKey, privateKey: publicKey } })
    await desk.document('legacy=false', 'here')
    const key = '07'.repeat(32)
    expect(reportLayout(asked[0]!)).toEqual({
      kind: 'sealed',
      signer: SIGNER.toLowerCase(),
      encryptionKey: key,
    })
    for (const query of ['legacy=true', '']) await desk.document(query, 'here')
    expect(reportLayout(asked[1]!)).toEqual({ kind: 'ascii', signer: SIGNER })
    expect(asked).toHaveLength(2)
    expect(() => deskOf(tee).document('legacy=false', 'here')).toThrow('no enclave')
  })

  it('binds the nonce to a statement of broker, keys, models and capabilities', async () => {
    const { tee } = countingTee()
    const desk = deskOf(tee)
    const answer = await ask(desk, nonceOf(7))
    expect(answer.quote).toBe(boundBy(answer))
    expect(answer.quote.slice(64)).toBe(nonceOf(7))
    expect(answer.nonce).toEqual({ value: nonceOf(7), index: 0, siblings: [] })
    expect(parseBinding(answer.binding)).toMatchObject({
      signer: SIGNER,
      provider: PROVIDER,
      models: MODELS,
      chainId: 1,
    })
    expect(desk.digest).toBe(bindingDigest(answer.binding))
  })

  it('makes one quote for all nonces of a second, each with its own path', async () => {
    vi.useFakeTimers()
    try {
      const { tee, asked } = countingTee()
      const desk = deskOf(tee)
      const first = ask(desk, nonceOf(0))
      await vi.advanceTimersByTimeAsync(1)
      const others = Array.from({ length: 37 }, (_, index) => ask(desk, nonceOf(index + 1)))
      await vi.advanceTimersByTimeAsync(500)
      expect(asked.length).toBe(1)
      await vi.advanceTimersByTimeAsync(600)
      const answers = await Promise.all([first, ...others])
      expect(asked.length).toBe(2)
      expect(new Set(answers.slice(1).map(({ quote }) => quote)).size).toBe(1)
      for (const answer of answers) expect(answer.quote).toBe(boundBy(answer))
    } finally {
      vi.useRealTimers()
    }
  })

  it('answers everybody else from one quote in the deployed layout', async () => {
    const { tee, asked } = countingTee()
    const desk = deskOf(tee)
    const [one, two] = [await desk.document('', 'here'), await desk.document('other=1', 'there')]
    expect(two).toBe(one)
    expect(asked.length).toBe(1)
    expect(Buffer.from(asked[0]!).toString('latin1')).toBe(SIGNER.padEnd(64, '\0'))
    expect(JSON.parse(one)).not.toHaveProperty('binding')
  })

  it.each(['', 'ab', 'x'.repeat(64), 'ab'.repeat(33)])('refuses the nonce "%s"', async (nonce) => {
    const { tee } = countingTee()
    expect(() => deskOf(tee).document(`nonce=${nonce}`, 'here')).toThrow(
      expect.objectContaining({ code: 'nonce_invalid', status: 400 }),
    )
  })

  it('limits each address, and all together', async () => {
    const { tee } = countingTee()
    const desk = deskOf(tee, { limits: { perAddressPerMinute: 2, waiting: 3, intervalMs: 10 } })
    const running = [ask(desk, nonceOf(1)), ask(desk, nonceOf(2)), ask(desk, nonceOf(3), 'there')]
    await expect(ask(desk, nonceOf(4))).rejects.toMatchObject({
      code: 'quote_rate_limit',
      status: 429,
      retryable: true,
    })
    await expect(ask(desk, nonceOf(5), 'elsewhere')).rejects.toMatchObject({
      code: 'quote_busy',
      status: 429,
    })
    await Promise.all(running)
    await expect(ask(desk, nonceOf(6), 'elsewhere')).resolves.toBeDefined()
  })

  it('passes a failure on and asks again', async () => {
    const { tee } = countingTee()
    const failing = vi.spyOn(tee, 'quote').mockRejectedValue(new Error('no TEE'))
    const desk = deskOf(tee, { limits: { intervalMs: 1 } })
    await expect(ask(desk, nonceOf(1))).rejects.toThrow('no TEE')
    await expect(desk.document('', 'here')).rejects.toThrow('no TEE')
    failing.mockRestore()
    await expect(ask(desk, nonceOf(2))).resolves.toBeDefined()
    await expect(desk.document('', 'here')).resolves.toContain('report_data')
  })
})
