import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { firstFailure } from '../../src/attestation/verdict.ts'
import { type AppError, EXIT } from '../../src/base/errors.ts'
import type { Address } from '../../src/base/hex.ts'
import { ONE_0G } from '../../src/base/units.ts'
import type { Answer } from '../../src/client/answer.ts'
import type { Compute } from '../../src/client/compute.ts'
import { openCompute } from '../../src/client/openCompute.ts'
import { feeOf } from '../../src/protocol/pricing.ts'
import {
  type ReceiptDetail,
  receiptFromJson,
  receiptToJson,
  signReceipt,
} from '../../src/protocol/receipt.ts'
import { addressOf } from '../../src/protocol/signature.ts'
import { proofTextOf, signTextProof } from '../../src/protocol/textProof.ts'
import type { ScriptedEngine } from '../support/scriptedEngine.ts'
import { openTamperedShop, type TamperedShop } from '../support/shop.ts'
import type { ProofDocument, Tampering, TamperProxy } from '../support/tamperProxy.ts'
import { PRICES, type World } from '../support/world.ts'

const TOKENS = 6
/** Tokens, usage, `[DONE]`; a sealed stream has a sealed end beside them. */
const EVENTS = { clear: TOKENS + 2, sealed: TOKENS + 3 }

let shop: TamperedShop
let world: World
let scripted: ScriptedEngine
let proxy: TamperProxy
let compute: Compute
const found = { vectors: 0, rejected: 0, honest: 0, accepted: 0 }

beforeAll(async () => {
  shop = await openTamperedShop()
  ;({ world, scripted, host: proxy } = shop)
  await world.fund(world.user, 20n * ONE_0G)
  await world.fund(other(), 3n * ONE_0G)
  compute = await machine(world.user)
})

afterAll(async () => {
  console.log(
    `answers tampered with: ${found.rejected} of ${found.vectors} rejected; honest: ${found.accepted} of ${found.honest} accepted`,
  )
  await compute?.close()
  await shop?.stop()
})

afterEach(() => {
  proxy.tampering = null
})

const other = () => world.anvil.wallets[4] as HDNodeWallet

/** A client with a home of its own. */
const machine = (wallet: HDNodeWallet): Promise<Compute> =>
  openCompute({
    network: world.network,
    account: { address: wallet.address as Address, signer: (rpc) => wallet.connect(rpc) },
    stateDir: mkdtempSync(join(world.dir, 'home-')),
  })

interface Manner {
  readonly private: boolean
  readonly stream: boolean
}

const MANNERS: readonly Manner[] = [true, false].flatMap((isPrivate) =>
  [true, false].map((stream) => ({ private: isPrivate, stream })),
)
const STREAMS = MANNERS.filter(({ stream }) => stream)
const WHOLES = MANNERS.filter(({ stream }) => !stream)
const nameOf = (manner: Manner): string =>
  `${manner.private ? 'sealed' : 'clear'} ${manner.stream ? 'stream' : 'answer'}`

const ask = (by: Compute, manner: Manner): Promise<Answer> =>
  by.infer(
    { model: 'steady', messages: [{ role: 'user', content: 'hi' }], maxTokens: TOKENS, ...manner },
    { approve: () => true },
  )

/** The step at which an answer was rejected, or the code with which it was refused. Nothing else counts as found out. */
async function rejection(tampering: Tampering, manner: Manner, by = compute): Promise<string> {
  found.vectors++
  proxy.tampering = tampering
  try {
    const { verdict } = await ask(by, manner)
    expect(verdict.outcome).toBe('rejected')
    found.rejected++
    return firstFailure(verdict)!.name
  } catch (error) {
    const { code, exitCode } = error as AppError
    expect(exitCode, code).not.toBe(EXIT.ok)
    expect(['request_body_changed', 'request_signature_invalid', 'e2ee_open_failed']).toContain(code)
    found.rejected++
    return code
  }
}

const flip = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes)
  changed[at]! ^= 1
  return changed
}

const eventsOf = (body: Buffer): string[] => body.toString('latin1').split(/(?<=\n\n)/)
const joined = (events: readonly string[]): Buffer => Buffer.from(events.join(''), 'latin1')

describe('an answer that nobody touched', () => {
  it.each(MANNERS.map((manner) => [nameOf(manner), manner] as const))(
    'is accepted: %s',
    async (_name, manner) => {
      found.honest++
      const { verdict, sealed } = await ask(compute, manner)
      expect([verdict.outcome, sealed]).toEqual(['accepted', manner.private])
      found.accepted++
    },
  )
})

describe.each(STREAMS.map((manner) => [nameOf(manner), manner] as const))(
  'each chunk of a %s',
  (_name, manner) => {
    const count = EVENTS[manner.private ? 'sealed' : 'clear']
    const chunks = Array.from({ length: count }, (_, i) => i)

    it('is what it was counted as', async () => {
      let events = 0
      const count = (body: Buffer) => {
        events = eventsOf(body).length
        return flip(body, 0)
      }
      await rejection({ response: count }, manner)
      expect(events).toBe(EVENTS[manner.private ? 'sealed' : 'clear'])
    })

    it.each(chunks)('%i: changed, left out, twice, or in another place', async (i) => {
      const edits: ((events: string[]) => string[])[] = [
        (events) =>
          events.with(i, flip(Buffer.from(events[i]!), Math.floor(events[i]!.length / 2)).toString('latin1')),
        (events) => events.toSpliced(i, 1),
        (events) => events.toSpliced(i, 0, events[i]!),
        (events) => events.toSpliced(i, 1).toSpliced((i + 1) % events.length, 0, events[i]!),
        (events) => events.slice(0, i),
      ]
      for (const edit of edits)
        expect(['response-hash', 'receipt-response']).toContain(
          await rejection({ response: (body) => joined(edit(eventsOf(body))) }, manner),
        )
    })
  },
)

describe.each(WHOLES.map((manner) => [nameOf(manner), manner] as const))(
  'each part of a %s',
  (_name, manner) => {
    it.each(Array.from({ length: 16 }, (_, i) => i / 15))('at %f of its length', async (at) => {
      const response = (body: Buffer) => flip(body, Math.floor(at * (body.length - 1)))
      expect(['response-hash', 'receipt-response']).toContain(await rejection({ response }, manner))
    })
  },
)

describe.each(MANNERS.map((manner) => [nameOf(manner), manner] as const))(
  'the request for a %s',
  (_name, manner) => {
    it.each([0.1, 0.3, 0.5, 0.7, 0.9])('changed at %f of its length is not even run', async (at) => {
      const before = scripted.requests.length
      const request = (body: Buffer) => flip(body, Math.floor(at * body.length))
      expect(await rejection({ request }, manner)).toBe('request_body_changed')
      expect(scripted.requests.length).toBe(before)
    })
  },
)

/** What the enclave's own key would sign of an exchange, were the enclave not what it says. */
interface Changes {
  readonly fields?: object
  readonly detail?: Partial<ReceiptDetail> | ((detail: ReceiptDetail) => Partial<ReceiptDetail>)
  readonly chainId?: number
  readonly contract?: Address
  readonly key?: Uint8Array
  /** Leaves the fee as it was charged. */
  readonly keepsFee?: boolean
}

const STRANGER = Buffer.alloc(32, 7)

function resigned(document: ProofDocument, changes: Changes): ProofDocument {
  const { receipt, detail: text, chainId, contract } = receiptFromJson(document.receipt)
  const before = JSON.parse(text) as ReceiptDetail
  const change = typeof changes.detail === 'function' ? changes.detail(before) : changes.detail
  const detail = { ...before, ...change }
  const prices = Object.fromEntries(
    Object.entries(detail.prices).map(([unit, price]) => [unit, BigInt(price)]),
  )
  const fee = changes.keepsFee ? receipt.fee : feeOf(detail.counts, prices, detail.multipliers)
  const signed = signReceipt(
    changes.key ?? world.tee.signerKey,
    changes.chainId ?? chainId,
    changes.contract ?? contract,
    { ...receipt, fee, cumulative: receipt.cumulative + fee - receipt.fee, ...changes.fields },
    detail,
  )
  return { ...document, receipt: receiptToJson(signed) } as unknown as ProofDocument
}

describe.each(MANNERS.map((manner) => [nameOf(manner), manner] as const))(
  'what the key signs of a %s',
  (_name, manner) => {
    const withoutHeader = (headers: Record<string, string>) => {
      const { 'zg-receipt': _, ...rest } = headers
      return rest
    }
    const signs = (changes: Changes) =>
      rejection({ headers: withoutHeader, proof: (document) => resigned(document, changes) }, manner)

    it.each<[string, string, Changes]>([
      ['another model', 'model', { detail: { model: 'no-usage' } }],
      ['other weights', 'evidence', { detail: { evidence: '00'.repeat(32) } }],
      ['another endpoint', 'endpoint', { detail: { endpoint: '/v1/completions' } }],
      ['prompt tokens above the bound', 'counts', { detail: { counts: { input: 10_000, output: TOKENS } } }],
      ['answer tokens above the bound', 'counts', { detail: { counts: { input: 10, output: TOKENS + 1 } } }],
      [
        'a dearer prompt',
        'prices',
        { detail: { prices: { input: `${PRICES.input + 1n}`, output: `${PRICES.output}` } } },
      ],
      ['a dearer answer', 'prices', { detail: { prices: { input: '1', output: `${PRICES.output + 1n}` } } }],
      ['a multiplier above one', 'prices', { detail: { multipliers: { output: [2, 1] } } }],
      [
        'a fee that is not the sum',
        'fee',
        { detail: { counts: { input: 9, output: TOKENS } }, keepsFee: true },
      ],
      ['another provider', 'receipt-provider', { fields: { provider: `0x${'11'.repeat(20)}` } }],
      ['another user', 'receipt-user', { fields: { user: `0x${'22'.repeat(20)}` } }],
      ['another chain', 'receipt-domain', { chainId: 16661 }],
      ['another contract', 'receipt-domain', { contract: `0x${'33'.repeat(20)}` }],
      ['with another key', 'receipt-signature', { key: STRANGER }],
      ['an answer cut short', 'status', { detail: { status: 'partial' } }],
      [
        'fewer bytes',
        'receipt-response',
        { detail: ({ responseBytes }) => ({ responseBytes: responseBytes - 1 }) },
      ],
      ['another request', 'receipt-request', { detail: { requestHash: '00'.repeat(32) } }],
      ['another response', 'receipt-response', { detail: { responseHash: '00'.repeat(32) } }],
      ['another id', 'receipt-id', { detail: { id: '00'.repeat(16) } }],
      ['a total below the fee', 'cumulative', { fields: { cumulative: 1n } }],
      // Kept as the key's word, and so the last: no honest total fits after it.
      ['a higher fee', 'fee', { fields: { fee: 10n ** 15n, cumulative: 10n ** 18n } }],
    ])('%s: rejected', async (_what, step, changes) => {
      expect(await signs(changes)).toBe(step)
    })

    it('sealed where it was not, or otherwise: rejected', async () => {
      const hashes = { requestHash: '00'.repeat(32), responseHash: '00'.repeat(32), stream: manner.stream }
      expect(await signs({ detail: { v: 2, sealed: hashes } })).toBe('receipt-sealed')
      const flipped = ({ sealed }: ReceiptDetail) =>
        sealed ? { sealed: { ...sealed, stream: !sealed.stream } } : { v: 2 as const, sealed: hashes }
      expect(await signs({ detail: flipped })).toBe('receipt-sealed')
    })

    it('an old time: rejected', async () => {
      // One who knows no contradictions of before.
      const fresh = await machine(world.user)
      const proof = (document: ProofDocument) => resigned(document, { fields: { issuedAt: 1_700_000_000 } })
      expect(await rejection({ headers: withoutHeader, proof }, manner, fresh)).toBe('time')
      await fresh.close()
    })

    it('one number twice: rejected', async () => {
      const known = (await compute.receipts()).at(-1)!.signed.receipt
      expect(await signs({ fields: { seq: known.seq } })).toBe('sequence')
    })

    it('in a text: of other hashes, with another key, of the other kind: rejected', async () => {
      const text = (
        change: (detail: ReceiptDetail) => Parameters<typeof proofTextOf>[0],
        key = world.tee.signerKey,
      ) =>
        rejection(
          {
            proof: (document) => {
              const detail = JSON.parse(String(document.receipt.detail)) as ReceiptDetail
              return { ...document, ...signTextProof(key, addressOf(key), proofTextOf(change(detail))) }
            },
          },
          manner,
        )
      const zeros = '00'.repeat(32)
      const both = (detail: ReceiptDetail, change: object) => ({
        ...detail,
        ...change,
        ...(detail.sealed && { sealed: { ...detail.sealed, ...change } }),
      })
      expect(await text((detail) => both(detail, { requestHash: zeros }))).toBe('request-hash')
      expect(await text((detail) => both(detail, { responseHash: zeros }))).toBe('response-hash')
      expect(await text((detail) => detail, STRANGER)).toBe('text-signature')
      const { requestHash, responseHash } = { requestHash: zeros, responseHash: zeros }
      const turned = ({ sealed, ...rest }: ReceiptDetail) =>
        sealed ? rest : { ...rest, sealed: { requestHash, responseHash, stream: manner.stream } }
      expect(['request-hash', 'response-hash']).toContain(await text(turned))
      if (!manner.private) return
      const otherKind = (detail: ReceiptDetail) => both(detail, { stream: !manner.stream })
      expect(await text(otherKind)).toBe('response-hash')
    })

    it("for somebody else, or for an earlier answer: a true receipt in another one's place is rejected", async () => {
      const theirs = await machine(other())
      const strangers = (await ask(theirs, manner)).receipt!
      await theirs.close()
      const mine = (await compute.receipts()).at(-1)!.signed
      const instead = (signed: typeof mine) =>
        rejection(
          {
            headers: withoutHeader,
            proof: (document) =>
              ({ ...document, receipt: receiptToJson(signed) }) as unknown as ProofDocument,
          },
          manner,
        )
      expect(await instead(strangers)).toBe('receipt-user')
      expect(await instead(mine)).toBe('receipt-id')
    })

    it('flipped anywhere: rejected', async () => {
      const digit = (hex: string, at: number) =>
        hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1)
      for (const at of [2, 40, 66, 100, 130]) {
        const textProof = (document: ProofDocument) => ({
          ...document,
          signature: digit(String(document.signature), at),
        })
        expect(await rejection({ proof: textProof }, manner)).toBe('text-signature')
        const receipt = (document: ProofDocument) => ({
          ...document,
          receipt: { ...document.receipt, signature: digit(String(document.receipt.signature), at) },
        })
        expect(await rejection({ headers: withoutHeader, proof: receipt }, manner)).toBe('receipt-signature')
      }
    })
  },
)

describe('honest requests', () => {
  it('64 at once from two machines on one account: every one accepted, and every neuron accounted for', async () => {
    const [one, two] = await Promise.all([machine(world.user), machine(world.user)])
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, i) => ask([one, two][i % 2]!, MANNERS[(i >> 1) % MANNERS.length]!)),
    )
    found.honest += 64
    found.accepted += answers.filter(({ verdict }) => verdict.outcome === 'accepted').length
    expect(answers.map(({ verdict }) => [verdict.outcome, firstFailure(verdict)])).toEqual(
      Array(64).fill(['accepted', null]),
    )
    expect(answers.every(({ auth }) => auth === 'session')).toBe(true)
    expect(new Set(answers.map(({ receipt }) => receipt!.receipt.seq)).size).toBe(64)
    const fees = answers.reduce((sum, { fee }) => sum + fee!, 0n)
    expect(fees).toBe(64n * (10n * PRICES.input + BigInt(TOKENS) * PRICES.output))
    const kept = [...(await one.receipts()), ...(await two.receipts())]
    expect(kept).toHaveLength(64)
    await Promise.all([one.close(), two.close()])
  })

  it('make up the account; what the key signed beside them is named as contradiction', async () => {
    const fresh = await machine(world.user)
    const audit = await fresh.audit()
    await fresh.close()
    expect([audit.difference, audit.providers.flatMap(({ unexplained }) => unexplained)]).toEqual([0n, []])
    const ours = (await compute.audit()).providers.flatMap(({ unexplained }) => unexplained)
    expect(ours.filter(({ kind }) => kind === 'contradiction').length).toBeGreaterThan(20)
    expect(found.rejected).toBe(found.vectors)
    expect(found.accepted).toBe(found.honest)
  })
})
