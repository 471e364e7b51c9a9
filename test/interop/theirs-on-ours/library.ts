import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { ONE_0G } from '../../../src/base/units.ts'
import { eventually, type Rows, suiteOf, Unsupported } from '../support/suite.ts'
import { LOCK_SECONDS } from './deploy.ts'
import { openReadOnly } from './published.ts'
import { openScene, type Scene } from './scene.ts'

const QUESTION = [{ role: 'user' as const, content: 'Once upon a time' }]

const owner: Rows<Scene> = {
  async listUnacknowledged({ user, broker }) {
    assert.equal((await user.inference.listService()).length, 0)
    const [service] = await user.inference.listService(0, 50, true)
    assert.equal(service?.provider, broker.provider)
    return 'hidden until the owner acknowledges its signer'
  },
  async ownerAcknowledge({ owner, user, broker }) {
    await owner.inference.acknowledgeProviderTEESigner(broker.provider)
    const [service] = await user.inference.listService()
    assert.equal(service?.teeSignerAcknowledged, true)
    return 'acknowledgeProviderTEESigner by the owner of the contract'
  },
  async ownerRevoke({ owner, user, broker }) {
    await owner.inference.revokeProviderTEESignerAcknowledgement(broker.provider)
    assert.equal((await user.inference.listService()).length, 0)
    await owner.inference.acknowledgeProviderTEESigner(broker.provider)
    return 'taken back, and given again'
  },
}

const ledger: Rows<Scene> = {
  async addLedger({ user }) {
    await user.ledger.addLedger(5)
    assert.equal((await user.ledger.getLedger()).totalBalance, 5n * ONE_0G)
    return '5 0G'
  },
  async depositFund({ user }) {
    await user.ledger.depositFund(2)
    assert.equal((await user.ledger.getLedger()).totalBalance, 7n * ONE_0G)
    return '2 0G more'
  },
  async depositFundFor({ user, provider, world }) {
    await provider.ledger.depositFundFor(world.anvil.wallets[3]!.address, 3)
    assert.equal((await user.ledger.getLedger()).availableBalance, 10n * ONE_0G)
    return '3 0G from another wallet'
  },
  async transferFund({ user, broker }) {
    await user.ledger.transferFund(broker.provider, 'inference', 2n * ONE_0G)
    assert.equal((await user.inference.getAccount(broker.provider)).balance, 2n * ONE_0G)
    return '2 0G into the sub-account'
  },
  async getProvidersWithBalance({ user, broker }) {
    const [first] = await user.ledger.getProvidersWithBalance('inference')
    assert.deepEqual(first?.slice(0, 2), [broker.provider, 2n * ONE_0G])
    return 'finds the sub-account'
  },
  async acknowledgeProviderSigner({ user, broker }) {
    await user.inference.acknowledgeProviderSigner(broker.provider)
    assert.equal(await user.inference.acknowledged(broker.provider), true)
    return 'acknowledged'
  },
  async checkProviderSignerStatus({ user, broker, world }) {
    const status = await user.inference.checkProviderSignerStatus(broker.provider)
    assert.deepEqual(status, { isAcknowledged: true, teeSignerAddress: world.tee.signer })
    return 'acknowledged, with our signer'
  },
}

const inference: Rows<Scene> = {
  async listServiceReadOnly({ broker, world }) {
    const { inference } = await openReadOnly(world.anvil.url)
    const [service] = await inference.listService()
    assert.deepEqual([service?.provider, service?.url, service?.model], [broker.provider, broker.url, 'demo'])
    return 'found without a wallet'
  },
  async getProviderModels({ user, broker }) {
    const { models } = await user.inference.getProviderModels(broker.provider)
    const { inputPrice } = (await user.inference.listService())[0]!
    assert.deepEqual([models[0]?.id, models[0]?.pricing?.prompt], ['demo', inputPrice.toString()])
    return 'models and prices of /v1/models'
  },
  async getServiceMetadata({ user, broker }) {
    const metadata = await user.inference.getServiceMetadata(broker.provider)
    assert.deepEqual(metadata, { endpoint: `${broker.url}/v1/proxy`, model: 'demo' })
    return `${metadata.model} at /v1/proxy`
  },
  async getRequestHeaders({ user, broker }) {
    const headers = await user.inference.getRequestHeaders(broker.provider)
    assert.match(JSON.stringify(headers), /Bearer app-sk-/)
    return 'a bearer token'
  },
  async chat(scene) {
    const { data, response } = await ask(scene)
    assert(data.choices[0]!.message.content!.length > 0)
    assert.match(response.headers.get('ZG-Res-Key') ?? '', /^[0-9a-f]{32}$/)
    return `${data.usage?.completion_tokens} tokens through the OpenAI client, with its headers`
  },
  async chatStream(scene) {
    const { endpoint, model, headers } = await connection(scene)
    const openai = new OpenAI({ baseURL: endpoint, apiKey: 'none', defaultHeaders: headers })
    const stream = await openai.chat.completions.create({
      model,
      messages: QUESTION,
      max_tokens: 8,
      stream: true,
    })
    let id = ''
    for await (const chunk of stream) id ||= chunk.id
    assert.equal(await scene.user.inference.processResponse(scene.broker.provider, id), true)
    return 'and processResponse of the first chunk’s id is true'
  },
  async processResponse(scene) {
    const { data, response } = await ask(scene)
    const usage = JSON.stringify(data.usage)
    for (const id of [response.headers.get('ZG-Res-Key')!, data.id])
      assert.equal(await scene.user.inference.processResponse(scene.broker.provider, id, usage), true)
    return 'true, by ZG-Res-Key and by the id in the body'
  },
  async signatureLink(scene) {
    const { data } = await ask(scene)
    const link = await scene.user.inference.getChatSignatureDownloadLink(scene.broker.provider, data.id)
    const { text } = await (await fetch(link)).json()
    assert.match(text, /^[0-9a-f]{64}:[0-9a-f]{64}$/)
    return 'the text names both hashes'
  },
  async verifyService({ user, broker, world }) {
    const result = await user.inference.verifyService(broker.provider, world.dir)
    assert.equal(result?.success, true)
    assert.deepEqual([result.signerVerification?.allMatch, result.composeVerification?.passed], [true, true])
    assert(existsSync(join(world.dir, 'attestation_report.json')))
    return 'signer and compose hash match'
  },
  async downloadQuoteReport({ user, broker, world }) {
    const path = join(world.dir, 'quote.json')
    await user.inference.downloadQuoteReport(broker.provider, path)
    assert(existsSync(path))
    return 'saved'
  },
  async verifyGpu({ broker }) {
    const response = await fetch(`${broker.url}/v1/quote/verify/gpu`, { method: 'POST', body: '{}' })
    assert.equal(response.status, 404)
    return new Unsupported(
      'its own function for this is called nowhere, and would ask the provider about the provider: a client asks NVIDIA',
    )
  },
}

const keys: Rows<Scene> = {
  async createApiKey(scene) {
    const key = await newKey(scene, 7)
    assert.equal((await withKey(scene, key)).choices.length, 1)
    return 'serves the OpenAI client'
  },
  async revokeApiKey(scene) {
    const [key, other] = [await newKey(scene, 7), await newKey(scene, 8)]
    await scene.user.inference.revokeApiKey(scene.broker.provider, 7)
    await eventually(async () => (await codeOf(scene, key)) === 401, 'the key is refused')
    assert.equal((await withKey(scene, other)).choices.length, 1)
    return 'refused from the next block on; another key stays good'
  },
  async revokeAllTokens(scene) {
    const key = await newKey(scene, 9)
    await scene.user.inference.revokeAllTokens(scene.broker.provider)
    await eventually(async () => (await codeOf(scene, key)) === 401, 'the key is refused')
    assert((await ask(scene)).data.choices.length > 0)
    return 'all are refused; new headers are good'
  },
}

const money: Rows<Scene> = {
  async unsettledFee({ user, broker, world }) {
    const headers = await user.inference.getRequestHeaders(broker.provider)
    const url = `${broker.url}/v1/user/${world.anvil.wallets[3]!.address}/unsettledfee`
    const { unsettledFee } = await (await fetch(url, { headers: { ...headers } })).json()
    assert(BigInt(unsettledFee) > 0n)
    return `${unsettledFee} neuron, with its token`
  },
  async settlement({ user, broker }) {
    const before = await user.inference.getAccount(broker.provider)
    await broker.settler.settleNow()
    const after = await user.inference.getAccount(broker.provider)
    assert(after.balance < before.balance)
    return 'its view of the account shows what was settled'
  },
  async startAutoFunding({ user, broker }) {
    await user.inference.startAutoFunding(broker.provider, { interval: 60_000, bufferMultiplier: 4 })
    user.inference.stopAutoFunding()
    const { balance } = await user.inference.getAccount(broker.provider)
    assert(balance >= 4n * ONE_0G)
    return 'topped up to four times its least balance'
  },
  async retrieveFund({ user, broker }) {
    await user.ledger.retrieveFund('inference')
    const [account, refunds] = await user.inference.getAccountWithDetail(broker.provider)
    assert(account.pendingRefund > 0n && refunds[0]!.amount === account.pendingRefund)
    return 'asked for; getAccountWithDetail says how long it is locked'
  },
  async retrieveFundFromProvider({ user, broker, world }) {
    await new Promise((resolve) => setTimeout(resolve, LOCK_SECONDS * 1000))
    await world.anvil.rpc.send('evm_mine', [])
    await user.ledger.retrieveFundFromProvider('inference', broker.provider)
    const { availableBalance, totalBalance } = await user.ledger.getLedger()
    assert.equal(availableBalance, totalBalance)
    return 'collected after the lock'
  },
  async refund({ user }) {
    const before = (await user.ledger.getLedger()).availableBalance
    await user.ledger.refund(1)
    assert.equal((await user.ledger.getLedger()).availableBalance, before - ONE_0G)
    return '1 0G to the wallet'
  },
  async deleteLedger({ owner }) {
    await owner.ledger.addLedger(3)
    await owner.ledger.refund(3)
    await assert.rejects(owner.ledger.getLedger())
    await assert.rejects(owner.ledger.deleteLedger(), /LedgerNotExists|not exist/i)
    return 'a refund of everything deletes it, as on the live network; deleting again is refused'
  },
}

const provider: Rows<Scene> = {
  async updateService({ provider, user, broker }) {
    const before = (await user.inference.listService())[0]!
    await provider.inference.updateService({ inputPrice: before.inputPrice + 5n })
    const after = (await user.inference.listService())[0]!
    assert.equal(after.inputPrice, before.inputPrice + 5n)
    assert.equal(after.provider, broker.provider)
    return 'a new price; the acknowledgement stays'
  },
  async removeService({ provider, user, world, broker }) {
    const before = await world.anvil.rpc.getBalance(broker.provider)
    await provider.inference.removeService()
    assert.equal((await user.inference.listService(0, 50, true)).length, 0)
    const after = await world.anvil.rpc.getBalance(broker.provider)
    assert(after < before)
    return 'gone from the list; the stake waits for withdrawStake, as the design says'
  },
}

async function connection({ user, broker }: Scene) {
  const metadata = await user.inference.getServiceMetadata(broker.provider)
  const headers = await user.inference.getRequestHeaders(broker.provider)
  return { ...metadata, headers: { ...headers } as Record<string, string> }
}

async function ask(scene: Scene) {
  const { endpoint, model, headers } = await connection(scene)
  const openai = new OpenAI({ baseURL: endpoint, apiKey: 'none', defaultHeaders: headers })
  return openai.chat.completions.create({ model, messages: QUESTION, max_tokens: 8 }).withResponse()
}

async function newKey({ user, broker }: Scene, tokenId: number): Promise<string> {
  const { rawToken } = await user.inference.requestProcessor.createApiKey(broker.provider, { tokenId })
  return rawToken
}

const withKey = ({ broker }: Scene, apiKey: string) =>
  new OpenAI({ baseURL: `${broker.url}/v1/proxy`, apiKey, maxRetries: 0 }).chat.completions.create({
    model: 'demo',
    messages: QUESTION,
    max_tokens: 2,
  })

const codeOf = (scene: Scene, key: string) =>
  withKey(scene, key)
    .then(() => 200)
    .catch((error: { status: number }) => error.status)

export const library = suiteOf('theirs-on-ours', 'library', openScene, {
  ...owner,
  ...ledger,
  ...inference,
  ...keys,
  ...money,
  ...provider,
})
