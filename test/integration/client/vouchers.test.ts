import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contract, HDNodeWallet } from 'ethers'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Address, type Hex, hexToBytes } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { readSettled } from '../../../src/chain/batches.ts'
import { readDelegation } from '../../../src/chain/delegations.ts'
import { findAccount } from '../../../src/chain/inference.ts'
import { connect } from '../../../src/chain/rpc.ts'
import type { Answer } from '../../../src/client/answer.ts'
import { Compute } from '../../../src/client/compute.ts'
import type { InferenceRequest } from '../../../src/client/inference.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import type { Runtime } from '../../../src/client/runtime.ts'
import { fileVoucherStore } from '../../../src/client/vouchers/fileVoucherStore.ts'
import { encodeBatchRows, signBatch } from '../../../src/protocol/batch.ts'
import { addressOf } from '../../../src/protocol/signature.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { openSqliteLedger } from '../../../src/provider/ledger/sqlite/sqliteLedger.ts'
import { chatService, registerService } from '../../../src/provider/registration.ts'
import { ledgerKeyOf } from '../../../src/provider/tee/ledgerKey.ts'
import { deliveredOf, exchangeOf, ledgerKeys } from '../../support/ledger.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { closeAccount, openAccount, slowly, withoutTee } from '../../support/vouchers.ts'
import { startWorld, type World } from '../../support/world.ts'
import { approval, misreading } from './clientOf.ts'

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
const dirs: string[] = []
const open: Compute[] = []

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld('ours'), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine, withoutTee())
})

afterAll(async () => {
  for (const compute of open) await compute.close()
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
  for (const dir of dirs) rmSync(dir, { recursive: true })
})

/** A client with a folder of its own, as a machine has one. */
async function clientIn(dir: string, wallet: HDNodeWallet, runtime: Runtime = nodeRuntime()) {
  const compute = new Compute({
    network: world.network,
    rpc: await connect(world.network),
    runtime,
    receipts: memoryReceiptStore(),
    vouchers: fileVoucherStore(dir),
    account: { address: wallet.address as Address, signer: (provider) => wallet.connect(provider) },
  })
  open.push(compute)
  return compute
}

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'zg-vouchers-'))
  dirs.push(dir)
  return dir
}

const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))

const ask = (
  compute: Compute,
  { hooks }: Pick<ReturnType<typeof approval>, 'hooks'> = approval(),
  change: Partial<InferenceRequest> = {},
): Promise<Answer> => {
  const messages = [{ role: 'user', content: 'hi' }] as const
  return compute.infer(
    { messages, model: 'steady', provider: broker.provider, maxTokens: 5, ...change },
    hooks,
  )
}

const walletOf = (index: number) => world.anvil.wallets[index] as HDNodeWallet
const stateOf = (dir: string, { address }: HDNodeWallet) =>
  fileVoucherStore(dir).read({
    chainId: world.network.chainId,
    contract: world.network.inference,
    user: address as Address,
    provider: broker.provider,
  })
const settledOf = async ({ address }: HDNodeWallet) =>
  (await readSettled(world.inference, address as Address, broker.provider)).settled

async function settle(wallet: HDNodeWallet): Promise<bigint> {
  await broker.settler.settleNow()
  return settledOf(wallet)
}

describe('a client of a provider without a TEE', () => {
  it('pays exactly what it checked, and says that nothing proves the answers', async () => {
    const compute = await clientIn(newDir(), world.user)
    const approved = approval()
    const answers = [await ask(compute, approved), await ask(compute, approved)]
    // No signer is acknowledged, and one key is delegated.
    expect(approved.sent).toEqual(['onboard', 'delegate'])
    for (const { verdict, sealed, auth } of answers) {
      expect(verdict).toMatchObject({ outcome: 'incomplete', assurance: 'none' })
      expect(verdict.steps.find(({ name }) => name === 'tee')?.detail).toContain('without a TEE')
      expect({ sealed, auth }).toEqual({ sealed: false, auth: 'session' })
    }
    const account = await findAccount(world.inference, world.user.address as Address, broker.provider)
    expect(account?.acknowledged).toBe(false)
    const fees = answers.reduce((sum, { fee }) => sum + fee!, 0n)
    expect(await settle(world.user)).toBe(fees)
    const audit = await compute.audit()
    expect(audit.difference).toBe(0n)
  })

  it('keeps key and total in a file of its own, and goes on after a restart without a transaction', async () => {
    const wallet = walletOf(4)
    const dir = newDir()
    const first = await ask(await clientIn(dir, wallet))
    const [file] = filesIn(dir)
    expect(statSync(join(dir, file!)).mode & 0o777).toBe(0o600)
    expect(await stateOf(dir, wallet)).toMatchObject({ verified: first.fee, pledges: [] })
    const again = approval()
    const second = await ask(await clientIn(dir, wallet), again)
    expect(again.sent).toEqual([])
    expect(await settle(wallet)).toBe(first.fee! + second.fee!)
  })

  it('pays for many at once, each once', async () => {
    const wallet = walletOf(5)
    const dir = newDir()
    const compute = await clientIn(dir, wallet)
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(compute)))
    const fees = answers.reduce((sum, { fee }) => sum + fee!, 0n)
    expect(await stateOf(dir, wallet)).toMatchObject({ verified: fees, pledges: [] })
    expect(await settle(wallet)).toBe(fees)
  })

  it('goes on where its file is lost, and on a second machine, by what its own keys signed', async () => {
    const wallet = walletOf(6)
    const [home, away] = [newDir(), newDir()]
    const fees = [(await ask(await clientIn(home, wallet))).fee!]
    const moved = approval()
    fees.push((await ask(await clientIn(away, wallet), moved)).fee!)
    expect(moved.sent).toEqual(['delegate'])
    fees.push((await ask(await clientIn(home, wallet))).fee!)
    fees.push((await ask(await clientIn(away, wallet))).fee!)
    expect(await settle(wallet)).toBe(fees.reduce((sum, fee) => sum + fee, 0n))
  })

  it('goes on from an older copy of its file', async () => {
    const wallet = walletOf(6)
    const dir = dirs.at(-1)!
    const [file] = filesIn(dir)
    const copy = readFileSync(join(dir, file!))
    const unsettled = (await ask(await clientIn(dir, wallet))).fee!
    const before = await settledOf(wallet)
    writeFileSync(join(dir, file!), copy)
    const next = (await ask(await clientIn(dir, wallet))).fee!
    expect(await settle(wallet)).toBe(before + unsettled + next)
    // What was settled meanwhile counts as well.
    writeFileSync(join(dir, file!), copy)
    const last = (await ask(await clientIn(dir, wallet))).fee!
    expect(await settle(wallet)).toBe(before + unsettled + next + last)
  })

  it('pays for an answer that broke off at most what was signed for it, and is not stuck', async () => {
    const wallet = walletOf(7)
    const dir = newDir()
    const compute = await clientIn(dir, wallet)
    const first = await ask(compute)
    await expect(ask(compute, approval(), { model: 'dies', maxTokens: 20 })).rejects.toMatchObject({
      code: 'engine_died',
    })
    const last = await ask(compute)
    const state = await stateOf(dir, wallet)
    expect(await settle(wallet)).toBe(state!.verified)
    expect(state!.verified).toBeGreaterThan(first.fee! + last.fee!)
  })

  it('goes on after its sub-account was closed, with another key', async () => {
    const wallet = walletOf(7)
    const dir = dirs.at(-1)!
    const before = await stateOf(dir, wallet)
    await slowly(world, () => closeAccount(world, wallet, async () => {}))
    const approved = approval()
    const answer = await ask(await clientIn(dir, wallet), approved)
    expect(approved.sent).toEqual(['onboard', 'delegate'])
    const after = await stateOf(dir, wallet)
    expect(addressOf(after!.key)).not.toBe(addressOf(before!.key))
    expect(await settle(wallet)).toBe(before!.verified + answer.fee!)
  })

  it('raises the cap of its key when more lies there', async () => {
    const wallet = walletOf(4)
    const dir = dirs[1]!
    const { key, cap } = (await stateOf(dir, wallet))!
    await fileVoucherStore(dir).change(
      {
        chainId: world.network.chainId,
        contract: world.network.inference,
        user: wallet.address as Address,
        provider: broker.provider,
      },
      (state) => ({ ...state!, verified: cap, signed: cap }),
    )
    const approved = approval()
    const compute = await clientIn(dir, wallet)
    await compute.ensureFunds(broker.provider, 10n ** 16n, approval().hooks)
    await ask(compute, approved)
    expect(approved.sent).toEqual(['delegate'])
    const known = await readDelegation(world.inference, broker.provider, addressOf(key))
    expect(known.cap).toBeGreaterThan(cap)
  })

  it('pays what the official OpenAI client asks, whose streams the broker makes longer before it counts them', async () => {
    const wallet = walletOf(2)
    const dir = newDir()
    const compute = await clientIn(dir, wallet)
    const openai = new OpenAI(await compute.openai({ provider: broker.provider, budget: ONE_0G }))
    const chat = { model: 'steady', messages: [{ role: 'user' as const, content: 'x' }], max_tokens: 5 }
    let text = ''
    for await (const chunk of await openai.chat.completions.create({ ...chat, stream: true }))
      text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe('t0 t1 t2 t3 t4 ')
    const { verified, pledges } = (await stateOf(dir, wallet))!
    expect(pledges).toEqual([])
    expect(verified).toBeGreaterThan(0n)
    expect(await settle(wallet)).toBe(verified)
  })

  it('makes no key for it, which could pay for nothing, and says what can', async () => {
    const compute = await clientIn(newDir(), world.user)
    const { provider } = broker
    await expect(compute.keys.create({ provider, name: 'app', lifetimeMs: null })).rejects.toMatchObject({
      code: 'key_useless',
      next: `0g-compute proxy --provider ${provider}`,
      exitCode: 20,
    })
    expect(await compute.keys.list()).toEqual([])
  })

  it('is never routed to one that nobody named', async () => {
    const compute = await clientIn(newDir(), world.user)
    const asked = compute.infer({ messages: [{ role: 'user', content: 'hi' }] }, approval().hooks)
    await expect(asked).rejects.toMatchObject({ code: 'no_attested_provider' })
  })
})

describe('a client signs nothing', () => {
  it('for an answer that contradicts its proof, nor for any after it', async () => {
    const wallet = walletOf(8)
    const dir = newDir()
    const honest = await ask(await clientIn(dir, wallet))
    const changed = misreading('/chat/completions', (text) => text.replace('tok', 'tak'))
    const rejected = await ask(await clientIn(dir, wallet, changed))
    expect(rejected.verdict.outcome).toBe('rejected')
    expect(await stateOf(dir, wallet)).toMatchObject({ verified: honest.fee, pledges: [] })
    const refused = ask(await clientIn(dir, wallet))
    await expect(refused).rejects.toMatchObject({ code: 'voucher_unexplained', exitCode: 10 })
    expect(await stateOf(dir, wallet)).toMatchObject({ verified: honest.fee, pledges: [] })
  })

  it('for requests that it never made', async () => {
    const wallet = walletOf(9)
    const dir = newDir()
    const { fee } = await ask(await clientIn(dir, wallet))
    await broker.stop()
    await invent(wallet)
    broker = await world.startBroker(engine, withoutTee())
    await expect(ask(await clientIn(dir, wallet))).rejects.toMatchObject({ code: 'voucher_unexplained' })
    // It may have taken what was signed for the one answer, and no more.
    const settled = await settle(wallet)
    expect(settled).toBeGreaterThanOrEqual(fee!)
    expect(settled).toBeLessThanOrEqual((await stateOf(dir, wallet))!.signed)
  })

  it('where it has acknowledged a signer, by which the provider could take more', async () => {
    const operator = walletOf(3)
    const enclave = await world.startBroker(engine, { operator, dataDir: join(world.dir, 'enclave') })
    const wallet = walletOf(0)
    await openAccount({ ...world, provider: operator }, wallet, 10n ** 18n, world.tee.signer)
    await enclave.stop()
    const plain = await world.startBroker(engine, {
      ...withoutTee(operator),
      operator,
      dataDir: join(world.dir, 'plain'),
    })
    const compute = await clientIn(newDir(), wallet)
    const asked = ask(compute, approval(), { provider: plain.provider })
    await expect(asked).rejects.toMatchObject({ code: 'account_exposed', exitCode: 10 })
  })

  it('and acknowledges no signer that the provider names later, by which it could take everything', async () => {
    const [operator, wallet] = [walletOf(7), walletOf(3)]
    const plain = await world.startBroker(engine, {
      ...withoutTee(operator),
      operator,
      dataDir: join(world.dir, 'turns'),
    })
    const compute = await clientIn(newDir(), wallet)
    await ask(compute, approval(), { provider: plain.provider })
    const contract = world.inference.connect(operator) as Contract
    const params = chatService({
      url: plain.url,
      model: 'steady',
      prices: { input: 1n, output: 1n },
      signer: operator.address as Address,
    })
    await registerService({ contract, operator, params, log: silentLogger })
    const account = () => findAccount(world.inference, wallet.address as Address, plain.provider)
    // What the answer cost is taken first: a session key that was delegated settles at any moment.
    await plain.settler.settleNow()
    const before = await account()
    // By hand, as an error of the provider's may tell its payer to.
    const funded = compute.ensureFunds(plain.provider, 2n * ONE_0G, approval().hooks)
    await expect(funded).rejects.toMatchObject({ code: 'signer_unchecked', exitCode: 10 })
    expect((await account())?.acknowledged).toBe(false)
    const rows = [{ user: wallet.address as Address, cumulative: 2n * ONE_0G }]
    const asOf = (await world.anvil.rpc.getBlock('latest'))!.timestamp
    const batch = { provider: plain.provider, upTo: 2 ** 31, asOf, rows }
    const { chainId, inference } = world.network
    const signature = signBatch(hexToBytes(operator.privateKey as Hex), chainId, inference, batch)
    const call = [plain.provider, batch.upTo, asOf, encodeBatchRows(rows), signature]
    await (await contract.getFunction('settleBatch')(...call)).wait()
    expect((await account())!.balance).toBe(before!.balance)
  })

  it('with a file that it cannot read', async () => {
    const dir = dirs[1]!
    const [file] = filesIn(dir)
    writeFileSync(join(dir, file!), '{}')
    await expect(ask(await clientIn(dir, walletOf(4)))).rejects.toMatchObject({ code: 'vouchers_malformed' })
  })
})

/** The provider charges a user for an answer that nobody asked for. */
async function invent(wallet: HDNodeWallet): Promise<void> {
  const { signerKey } = withoutTee().tee
  const owner = { chainId: 31337, contract: world.network.inference, provider: broker.provider }
  const ledger = await openSqliteLedger({
    ...ledgerKeys(owner),
    signerKey,
    rowKey: ledgerKeyOf({ signerKey }),
    path: join(world.dir, 'broker', 'ledger.sqlite'),
  })
  const exchange = exchangeOf(wallet.address as Address, { prices: { input: 10n ** 9n } })
  await ledger.charge(exchange, deliveredOf(0, 10), 'complete')
  await ledger.close()
}
