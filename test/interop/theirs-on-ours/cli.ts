import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import OpenAI from 'openai'
import { ONE_0G } from '../../../src/base/units.ts'
import { findAccount } from '../../../src/chain/inference.ts'
import { findLedger } from '../../../src/chain/ledger.ts'
import { eventually, type Rows, suiteOf } from '../support/suite.ts'
import { LOCK_SECONDS } from './deploy.ts'
import type { TheirCli } from './published.ts'
import { openScene, type Scene } from './scene.ts'

/** One command, which has to exit with 0; what it printed. */
async function run(cli: TheirCli, ...args: string[]): Promise<string> {
  const { code, output } = await cli.run(...args)
  assert.equal(code, 0, `${args.join(' ')}: ${output}`)
  return output
}

/** What the chain says of the user of the command line. */
const ledgerOf = ({ world, cliUser }: Scene) => findLedger(world.ledger, cliUser as `0x${string}`)
const accountOf = ({ world, cliUser, broker }: Scene) =>
  findAccount(world.inference, cliUser as `0x${string}`, broker.provider)

const account: Rows<Scene> = {
  async ownerAcknowledge({ owner, cli, broker }) {
    await owner.inference.acknowledgeProviderTEESigner(broker.provider)
    assert.match(await run(cli, 'inference', 'list-providers'), new RegExp(broker.provider, 'i'))
    return 'list-providers shows the provider'
  },
  async addAccount(scene) {
    await run(scene.cli, 'add-account', '--amount', '4')
    assert.equal((await ledgerOf(scene))?.total, 4n * ONE_0G)
    return '4 0G'
  },
  async deposit(scene) {
    await run(scene.cli, 'deposit', '--amount', '6')
    assert.equal((await ledgerOf(scene))?.total, 10n * ONE_0G)
    return '6 0G more'
  },
  async transferFund(scene) {
    const to = ['--provider', scene.broker.provider, '--amount', '2', '--service', 'inference']
    await run(scene.cli, 'transfer-fund', ...to)
    assert.equal((await accountOf(scene))?.balance, 2n * ONE_0G)
    return '2 0G'
  },
  async acknowledgeProvider(scene) {
    await run(scene.cli, 'inference', 'acknowledge-provider', '--provider', scene.broker.provider)
    assert.equal((await accountOf(scene))?.acknowledged, true)
    return 'acknowledged'
  },
  async getAccount(scene) {
    const output = await run(scene.cli, 'get-account')
    assert.match(output, /Total\s+│\s+10\.0+/)
    assert.match(output, new RegExp(scene.broker.provider))
    return 'shows the ledger and the sub-account'
  },
  async getSubAccount(scene) {
    const of = ['--provider', scene.broker.provider, '--service', 'inference']
    assert.match(await run(scene.cli, 'get-sub-account', ...of), /Balance \(0G\)\s+│\s+2\.0+/)
    return 'shows the balance'
  },
}

const inference: Rows<Scene> = {
  async getModels({ cli, broker }) {
    assert.match(await run(cli, 'inference', 'get-models', '--provider', broker.provider), /demo/)
    return 'shows the model and its price'
  },
  async verify({ cli, broker, world }) {
    const output = await run(cli, 'inference', 'verify', '--provider', broker.provider)
    assert.match(output, /Docker Compose Verification: ✅ PASSED/)
    assert.match(output, /TEE Signer Address Verification: ✅ PASSED/)
    assert(existsSync(join(world.dir, 'home/attestation_report.json')))
    return 'both of its checks pass'
  },
  async downloadReport({ cli, broker, world }) {
    const path = join(world.dir, 'home/report.json')
    await run(cli, 'inference', 'download-report', '--provider', broker.provider, '--output', path)
    assert(JSON.parse(readFileSync(path, 'utf8')).quote)
    return 'a quote'
  },
  async getSecret(scene) {
    assert((await ask(scene, await secretOf(scene, 3))).choices.length > 0)
    return 'its key serves the OpenAI client'
  },
  async revokeToken(scene) {
    const secret = await secretOf(scene, 3)
    const of = ['--provider', scene.broker.provider, '--token-id', '3']
    await run(scene.cli, 'inference', 'revoke-token', ...of)
    await eventually(async () => (await statusOf(scene, secret)) === 401, 'the key is refused')
    return 'the key is refused'
  },
  async revokeAllTokens(scene) {
    const secret = await secretOf(scene, 4)
    await run(scene.cli, 'inference', 'revoke-all-tokens', '--provider', scene.broker.provider)
    await eventually(async () => (await statusOf(scene, secret)) === 401, 'the key is refused')
    return 'every key is refused'
  },
  async serve(scene) {
    const text = await throughLocal(scene, 'serve', '--provider', scene.broker.provider)
    return `its local proxy answers: ${text.length} characters`
  },
  async routerServe(scene) {
    const text = await throughLocal(scene, 'router-serve', '--add-provider', `${scene.broker.provider},1`)
    return `its router answers: ${text.length} characters`
  },
}

const money: Rows<Scene> = {
  async retrieveFund(scene) {
    const from = ['--service', 'inference', '--provider', scene.broker.provider]
    await run(scene.cli, 'retrieve-fund', ...from)
    const asked = await accountOf(scene)
    assert.equal(asked?.pendingRefund, asked?.balance)
    await new Promise((resolve) => setTimeout(resolve, LOCK_SECONDS * 1000))
    await scene.world.anvil.rpc.send('evm_mine', [])
    await run(scene.cli, 'retrieve-fund', ...from)
    const { available, total } = (await ledgerOf(scene))!
    assert.equal(available, total)
    return 'asked for, and collected after the lock'
  },
  async refund(scene) {
    const before = (await ledgerOf(scene))!.total
    await run(scene.cli, 'refund', '--amount', '2')
    assert.equal((await ledgerOf(scene))?.total, before - 2n * ONE_0G)
    return '2 0G to the wallet'
  },
}

const provider: Rows<Scene> = {
  async updateService({ providerCli, user }) {
    await run(providerCli, 'inference', 'update-service', '--output-price', '0.000000000000000123')
    assert.equal((await user.inference.listService())[0]?.outputPrice, 123n)
    return 'a new price'
  },
  async removeService({ providerCli, user }) {
    await run(providerCli, 'inference', 'remove-service')
    assert.equal((await user.inference.listService(0, 50, true)).length, 0)
    return 'gone from the list'
  },
}

/** Starts one of its local proxies and asks it through the OpenAI client. */
async function throughLocal(scene: Scene, ...args: string[]): Promise<string> {
  const port = await freePort()
  const server = scene.cli.serve('inference', ...args, '--port', String(port), '--host', '127.0.0.1')
  try {
    const openai = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'none', maxRetries: 0 })
    let text = ''
    await eventually(async () => {
      const answer = await openai.chat.completions.create(QUESTION).catch(() => null)
      text = answer?.choices[0]?.message.content ?? ''
      return text !== ''
    }, 'it answers')
    return text
  } finally {
    await server.stop()
  }
}

const QUESTION = {
  model: 'demo',
  messages: [{ role: 'user' as const, content: 'Once upon a time' }],
  max_tokens: 8,
}

async function secretOf({ cli, broker }: Scene, tokenId: number): Promise<string> {
  const of = ['--provider', broker.provider, '--token-id', String(tokenId), '--duration', '0']
  return /Bearer (app-sk-\S+)/.exec(await run(cli, 'inference', 'get-secret', ...of))![1]!
}

const ask = ({ broker }: Scene, apiKey: string) =>
  new OpenAI({ baseURL: `${broker.url}/v1/proxy`, apiKey, maxRetries: 0 }).chat.completions.create(QUESTION)

const statusOf = (scene: Scene, apiKey: string) =>
  ask(scene, apiKey)
    .then(() => 200)
    .catch((error: { status: number }) => error.status)

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export const cli = suiteOf('theirs-on-ours', 'cli', openScene, {
  ...account,
  ...inference,
  ...money,
  ...provider,
})
