import { createPrivateKey, createPublicKey } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCollateral } from '../../../src/attestation/collateral.ts'
import { verifyProvider } from '../../../src/attestation/verifyProvider.ts'
import { QuoteDesk } from '../../../src/provider/server/quote.ts'
import { openDstackTee } from '../../../src/provider/tee/dstack.ts'
import { GuestAgent } from '../../../src/provider/tee/guestAgent.ts'
import { issueCollateral } from '../../../src/provider/tee/simulated/collateral.ts'
import { simulatedMachine } from '../../../src/provider/tee/simulated/machine.ts'
import { AUTHORITY, CAPABILITIES, MODELS, NONCE, PROVIDER, scene } from '../../attestation/support/scene.ts'
import { type DstackStandIn, startDstackStandIn } from '../../support/dstackStandIn.ts'
import { freshFolder } from '../../support/ledger.ts'

const MACHINE = simulatedMachine()

let dir: string
let standIn: DstackStandIn
beforeEach(async () => {
  dir = freshFolder()
  standIn = await startDstackStandIn(dir, AUTHORITY, MACHINE)
})
afterEach(async () => {
  await standIn.stop()
  rmSync(dir, { recursive: true })
})

const open = () => openDstackTee({ socket: standIn.socket })

describe('a dstack TEE, against a stand-in for its guest agent', () => {
  it('B13: derives its keys by path, the same every time', async () => {
    const [first, second] = [await open(), await open()]
    expect(second.signer).toBe(first.signer)
    expect(second.encryption).toEqual(first.encryption)
    expect(Buffer.from(first.encryption!.privateKey)).not.toEqual(Buffer.from(first.signerKey))
    expect(standIn.calls).toEqual(['/GetKey', '/GetKey', '/GetKey', '/GetKey'])
  })

  it('has an X25519 pair', async () => {
    const { encryption } = await open()
    const pkcs8 = Buffer.concat([
      Buffer.from('302e020100300506032b656e04220420', 'hex'),
      encryption!.privateKey,
    ])
    const { x } = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
      format: 'jwk',
    })
    expect(Buffer.from(encryption!.publicKey).toString('base64url')).toBe(x)
  })

  it('serves evidence that a verifier accepts once it has collateral', async () => {
    const tee = await open()
    const { given } = scene()
    const { network } = given
    const options = { tee, chainId: network.chainId, contract: network.inference, provider: PROVIDER }
    const desk = new QuoteDesk({ ...options, models: () => MODELS, capabilities: CAPABILITIES })
    const document = await desk.document(`nonce=${NONCE}`, 'here')
    const service = { ...given.service, teeSignerAddress: tee.signer }
    const asked = { ...given, service, document, now: Date.now(), fetchedAt: Date.now() }
    const collateral = readCollateral(issueCollateral(AUTHORITY, { issuedAt: Date.now() - 60_000 }))
    expect((await verifyProvider(asked)).outcome).toBe('incomplete')
    const verdict = await verifyProvider(asked, { collateral })
    expect(verdict.steps.filter(({ result }) => result === 'fail')).toEqual([])
    expect([verdict.outcome, verdict.encryptionKey]).toEqual([
      'accepted',
      Buffer.from(tee.encryption!.publicKey).toString('hex'),
    ])
  })

  it('measures events', async () => {
    await new GuestAgent(standIn.socket).emitEvent('model', Buffer.from('ab'))
    expect(standIn.events).toEqual([{ event: 'model', payload: '6162' }])
  })

  it.each([
    ['/GetKey', { body: '{"key":"short"}' }, 'tee_answer_malformed'],
    ['/GetKey', { body: 'nothing' }, 'tee_answer_malformed'],
    ['/GetKey', { status: 500, body: '{"error":"secret detail"}' }, 'tee_refused'],
  ])('says what is wrong with the answer of %s: %j', async (path, answer, code) => {
    standIn.answers = { [path]: answer }
    const error = await open().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code })
    expect(String(error)).not.toContain('secret detail')
  })

  it.each([
    ['/GetQuote', { body: '{"quote":"xy","event_log":"[]"}' }],
    ['/GetQuote', { body: '{"quote":"abcd"}' }],
    ['/Info', { body: '{}' }],
  ])('takes no half evidence from %s: %j', async (path, answer) => {
    const tee = await open()
    standIn.answers = { [path]: answer }
    await expect(tee.quote(new Uint8Array(64))).rejects.toMatchObject({ code: 'tee_answer_malformed' })
  })

  it('says where the agent should be', async () => {
    await expect(openDstackTee({ socket: `${dir}/nowhere.sock` })).rejects.toMatchObject({
      code: 'tee_unreachable',
      retryable: true,
    })
  })
})

describe('a guest agent', () => {
  it.each([
    ['says nothing', () => {}],
    ['never comes to an end', (res: ServerResponse) => void setInterval(() => res.write(' '), 20).unref()],
  ])('B22: that %s holds up whoever asks for evidence no longer than its time', async (_how, answer) => {
    const server = createServer((_req, res) => answer(res))
    const socket = join(dir, 'slow.sock')
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    try {
      await expect(new GuestAgent(socket, 200).quote('00')).rejects.toMatchObject({ code: 'tee_unreachable' })
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })
})
