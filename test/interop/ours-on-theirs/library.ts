import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { ONE_0G } from '../../../src/base/units.ts'
import { approval } from '../../integration/client/clientOf.ts'
import { eventually, type Rows, suiteOf } from '../support/suite.ts'
import { openScene, type Scene } from './scene.ts'

const QUESTION = { messages: [{ role: 'user' as const, content: 'Once upon a time' }], maxTokens: 12 }
const STAKE = 100n * ONE_0G

const provider: Rows<Scene> = {
  async registration({ world, broker, providerHad, service }) {
    const { url, teeSignerAddress, verifiability } = await service()
    assert.deepEqual([url, teeSignerAddress, verifiability], [broker.url, world.tee.signer, 'TeeML'])
    const spent = providerHad - (await world.anvil.rpc.getBalance(broker.provider))
    assert(spent >= STAKE && spent < STAKE + ONE_0G)
    return 'registered with the stake of 100 0G'
  },
  async ownerAcknowledgement({ broker, service }) {
    assert.equal(broker.warning?.code, 'signer_not_acknowledged_by_owner')
    assert.equal((await service()).teeSignerAcknowledged, true)
    return 'the broker warned until the owner had acknowledged its signer'
  },
  async priceChange({ broker, service }) {
    const before = await service()
    await broker.control.changePrices({ input: before.inputPrice + 1n, output: before.outputPrice })
    const after = await service()
    assert.equal(after.inputPrice, before.inputPrice + 1n)
    assert.equal(after.teeSignerAcknowledged, true)
    return 'changed on chain; the acknowledgement stays'
  },
}

const buyer: Rows<Scene> = {
  async discovery({ compute, broker }) {
    const [offer] = await compute.models()
    assert.deepEqual([offer?.service.provider, offer?.model], [broker.provider, 'demo'])
    const { verdict } = await compute.checkProvider(offer!.service)
    assert.equal(verdict.outcome, 'accepted')
    return `evidence ${verdict.outcome}, assurance ${verdict.assurance}`
  },
  async fund({ compute, broker }) {
    assert.deepEqual(await compute.minimums(), { deposit: 3n * ONE_0G, transfer: ONE_0G })
    const { sent, hooks } = approval()
    const { plan } = await compute.ensureFunds(broker.provider, 2n * ONE_0G, hooks)
    assert.deepEqual([plan.deposit, plan.transfer], [3n * ONE_0G, 2n * ONE_0G])
    const account = await compute.account(broker.provider)
    assert.deepEqual([account?.acknowledged, account?.balance], [true, 2n * ONE_0G])
    return `${sent.length} transactions; minimums 3 and 1 0G as the chain says`
  },
  async fundStatus({ compute }) {
    const status = await compute.fundStatus({ askProviders: true })
    assert.deepEqual([status.available, status.deposited], [ONE_0G, 3n * ONE_0G])
    assert.deepEqual([status.subAccounts[0]?.free, status.subAccounts[0]?.unsettled], [2n * ONE_0G, 0n])
    return '1 0G in the ledger, 2 at the provider, nothing owed'
  },
  async infer({ compute, broker }) {
    const answer = await compute.infer({ ...QUESTION, provider: broker.provider, stream: false })
    assert.equal(answer.verdict.outcome, 'accepted')
    assert(answer.text.length > 0 && answer.fee! > 0n)
    return `${answer.fee} neuron, verdict ${answer.verdict.outcome}`
  },
  async inferStream({ compute, broker }) {
    const chat = compute.chat({ ...QUESTION, provider: broker.provider })
    let pieces = 0
    let step = await chat.next()
    for (; !step.done; step = await chat.next()) pieces++
    assert(pieces > 1)
    assert.equal(step.value.verdict.outcome, 'accepted')
    return `${pieces} pieces, verdict ${step.value.verdict.outcome}`
  },
  async openai({ compute }) {
    const openai = new OpenAI(await compute.openai())
    const { response } = await openai.chat.completions
      .create({ model: 'demo', messages: QUESTION.messages, max_tokens: 8 })
      .withResponse()
    assert.equal(response.headers.get('x-0g-verdict'), 'accepted')
    return 'paid for and verified by the OpenAI client'
  },
  async keys({ compute, broker }) {
    const { key, baseUrl } = await compute.keys.create({
      provider: broker.provider,
      name: 'interop',
      lifetimeMs: 3_600_000,
    })
    assert((await ask(baseUrl, key)).choices.length > 0)
    await compute.keys.revoke('interop')
    await eventually(async () => (await codeOf(ask(baseUrl, key))) === 'token_revoked', 'the key is refused')
    return 'served, then refused after its revocation on chain'
  },
  async keysRevokeAll({ compute, broker }) {
    const { key, baseUrl } = await compute.keys.create({
      provider: broker.provider,
      name: 'second',
      lifetimeMs: 3_600_000,
    })
    await compute.keys.revokeAll(broker.provider)
    await eventually(async () => (await codeOf(ask(baseUrl, key))) === 'token_revoked', 'the key is refused')
    assert.equal((await compute.account(broker.provider))?.generation, 1)
    return 'the next generation refuses all of the one before'
  },
}

const money: Rows<Scene> = {
  async settlement({ compute, broker }) {
    const before = await compute.account(broker.provider)
    const owed = (await compute.fundStatus({ askProviders: true })).subAccounts[0]!.unsettled!
    assert(owed > 0n)
    await broker.settler.settleNow()
    const after = await compute.account(broker.provider)
    assert.equal(before!.balance - after!.balance, owed)
    assert(after!.nonce > before!.nonce)
    return `${owed} neuron by settleFeesWithTEE`
  },
  async audit({ compute }) {
    const { charged, paid, difference, providers } = await compute.audit()
    assert.deepEqual([paid, difference, providers[0]?.unexplained], [charged, 0n, []])
    return `${providers[0]?.receipts} receipts explain every neuron on chain`
  },
  async refundLock({ compute }) {
    const result = await compute.withdraw({ maxWaitSeconds: 0 })
    assert.equal(result.withdrawn, ONE_0G)
    const [account] = (await compute.fundStatus({ askProviders: false })).subAccounts
    const secondsLeft = account?.refunds[0]?.secondsLeft ?? 0
    assert(secondsLeft > 3500 && result.pending > 0n)
    return `what is free came back; the rest is locked for ${secondsLeft} s`
  },
  async withdrawal({ compute, world }) {
    await world.anvil.rpc.send('evm_increaseTime', [3601])
    await world.anvil.rpc.send('evm_mine', [])
    const before = await compute.fundStatus({ askProviders: false })
    const result = await compute.withdraw({ maxWaitSeconds: 0 })
    assert.equal(result.withdrawn, before.deposited)
    assert.deepEqual(
      [result.pending, (await compute.fundStatus({ askProviders: false })).deposited],
      [0n, 0n],
    )
    return 'everything came back when the lock was over'
  },
}

const ask = (baseURL: string, apiKey: string) =>
  new OpenAI({ baseURL, apiKey, maxRetries: 0 }).chat.completions.create({
    model: 'demo',
    messages: QUESTION.messages,
    max_tokens: 4,
  })

const codeOf = (call: Promise<unknown>) =>
  call.then(() => null).catch((error: { code: string }) => error.code)

export const library = suiteOf('ours-on-theirs', 'library', openScene, { ...provider, ...buyer, ...money })
