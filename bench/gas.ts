import { setTimeout as sleep } from 'node:timers/promises'
import { type Contract, hexlify, randomBytes, toQuantity, Wallet, ZeroHash } from 'ethers'
import type { Address, Hex } from '../src/base/hex.ts'
import { hexToBytes } from '../src/base/hex.ts'
import { ONE_0G } from '../src/base/units.ts'
import { deployNetwork } from '../src/chain/deploy.ts'
import { inferenceContract } from '../src/chain/inference.ts'
import { INFERENCE_SERVICE, ledgerContract } from '../src/chain/ledger.ts'
import type { NetworkProfile } from '../src/chain/networks.ts'
import { encodeBatchRows, signBatch } from '../src/protocol/batch.ts'
import { signSettlement } from '../src/protocol/settlement.ts'
import { addressOf } from '../src/protocol/signature.ts'
import { encodeVoucherRows, signDelegation, signVoucher } from '../src/protocol/voucher.ts'
import { type Anvil, startAnvil } from '../test/support/anvil.ts'
import { acknowledgeByOwner, deployTheirs } from '../test/support/deployed.ts'
import { type Result, report } from './report.ts'

/**
 * Gas of the deployed bytecode and of these contracts on one Anvil: real transactions with intrinsic gas and
 * calldata, cold storage, random addresses, distinct payers in steady state (each was settled once before).
 */
const tee = Wallet.createRandom()
const teeKey = hexToBytes(tee.privateKey)
const results: Result[] = []
const anvil = await startAnvil()
await anvil.rpc.send('anvil_autoImpersonateAccount', [true])

const ours = await openMarket(anvil, 'ours')
const deployed = await openMarket(anvil, 'deployed')
for (const market of [ours, deployed]) {
  add('onboardingFirst', market, await onboard(market, await newAccount()))
  add('onboarding', market, await onboard(market, await newAccount()))
  add('settleFeesWithTEE50', market, (await settleTwice(market, 50)) / 50n)
  add('withdrawAll', market, await withdrawAll(market))
}
for (const count of [50, 200]) add(`batch${count}`, ours, (await batchTwice(ours, count)) / BigInt(count))
add('voucher50', ours, (await vouchersTwice(ours, 50)) / 50n)
for (const id of ['batch50', 'batch200', 'voucher50'])
  add(id, deployed, null, 'the deployed contracts have none')
await anvil.stop()

const figure = (id: string, subject: string) =>
  results.find((result) => result.id === id && result.subject === subject)!.value!
report({ bench: 'gas', results, versions: { deployed: '@0gfoundation/0g-compute-ts-sdk 0.9.0' } }, [
  `settleFeesWithTEE at 50 payers costs ${(figure('settleFeesWithTEE50', 'ours') / figure('settleFeesWithTEE50', 'deployed')).toFixed(2)} times the deployed contracts`,
  `batch at 50 payers costs ${(figure('batch50', 'ours') / figure('settleFeesWithTEE50', 'deployed')).toFixed(2)} times their settlement`,
  `onboarding costs ${(figure('onboarding', 'ours') / figure('onboarding', 'deployed')).toFixed(2)} times theirs`,
])
process.exit(0)

interface Market {
  readonly subject: 'ours' | 'deployed'
  readonly network: NetworkProfile
  readonly ledger: Contract
  readonly inference: Contract
  readonly provider: Address
}

function add(id: string, { subject }: Market, gas: bigint | null, why?: string): void {
  const value = gas === null ? null : Number(gas)
  results.push({
    id,
    subject,
    value,
    unit: 'gas',
    ...(value !== null && { spread: [value, value] }),
    ...(why && { why }),
  })
}

async function openMarket(chain: Anvil, subject: Market['subject']): Promise<Market> {
  const theirs = subject === 'deployed' ? await deployTheirs(chain) : null
  const network = theirs?.network ?? (await deployOurs(chain))
  const ledger = ledgerContract(network.ledger, chain.rpc)
  const inference = inferenceContract(network.inference, chain.rpc)
  const provider = await newAccount()
  const service = {
    serviceType: 'chatbot',
    url: 'https://provider.example',
    model: 'demo',
    verifiability: 'TeeML',
    inputPrice: 1n,
    outputPrice: 1n,
    additionalInfo: '{}',
    teeSignerAddress: tee.address,
  }
  await send(provider, inference, 'addOrUpdateService', [service], 100n * ONE_0G)
  if (theirs) await acknowledgeByOwner(theirs, provider)
  return { subject, network, ledger, inference, provider }
}

async function deployOurs(chain: Anvil): Promise<NetworkProfile> {
  const { ledger, inference, fineTuning } = await deployNetwork(chain.wallets[0]!)
  return chain.network({ ledger, inference, fineTuning })
}

/** All transactions until a first answer is possible. */
async function onboard({ subject, ledger, inference, provider }: Market, user: Address): Promise<bigint> {
  const amount = 4n * ONE_0G
  if (subject === 'ours') {
    return send(user, ledger, 'onboard', [inference.target, provider, tee.address, amount], amount)
  }
  return (
    (await send(user, ledger, 'addLedger', [''], amount)) +
    (await send(user, ledger, 'transferFund', [provider, INFERENCE_SERVICE, amount])) +
    (await send(user, inference, 'acknowledgeTEESigner', [provider, true]))
  )
}

async function newPayers(market: Market, count: number): Promise<Address[]> {
  const users: Address[] = []
  for (let i = 0; i < count; i++) {
    const user = await newAccount()
    await onboard(market, user)
    users.push(user)
  }
  return users
}

/** Gas of the second settlement by the deployed ABI. */
async function settleTwice(market: Market, count: number): Promise<bigint> {
  const { network, inference, provider } = market
  const users = await newPayers(market, count)
  const settle = (nonce: bigint) => {
    const entries = users.map((user) => {
      const entry = { user, provider, totalFee: 1000n + nonce, requestsHash: ZeroHash as Hex, nonce }
      return { ...entry, signature: signSettlement(teeKey, network.chainId, network.inference, entry) }
    })
    return send(provider, inference, 'settleFeesWithTEE', [entries])
  }
  await settle(1n)
  return settle(2n)
}

/** Gas of the second batch. */
async function batchTwice(market: Market, count: number): Promise<bigint> {
  const { network, inference, provider } = market
  const users = await newPayers(market, count)
  const settle = async (upTo: number, cumulative: bigint) => {
    const asOf = (await anvil.rpc.getBlock('latest'))!.timestamp
    const rows = users.map((user) => ({ user, cumulative }))
    const signature = signBatch(teeKey, network.chainId, network.inference, { provider, upTo, asOf, rows })
    return send(provider, inference, 'settleBatch', [provider, upTo, asOf, encodeBatchRows(rows), signature])
  }
  await settle(count, 1000n)
  return settle(2 * count, 2500n)
}

/** Gas of the second claim on vouchers: payers sign delegations, their session keys the vouchers. */
async function vouchersTwice(market: Market, count: number): Promise<bigint> {
  const { network, inference, provider } = market
  const sessions: Uint8Array[] = []
  for (let i = 0; i < count; i++) sessions.push(await newVoucherPayer(market))
  const settle = (claimed: bigint, signed: bigint) => {
    const rows = sessions.map((session) => {
      const voucher = { provider, cumulative: signed }
      return { claimed, signed, signature: signVoucher(session, network.chainId, network.inference, voucher) }
    })
    return send(provider, inference, 'settleVouchers', [provider, encodeVoucherRows(rows)])
  }
  await settle(1000n, 2000n)
  return settle(2500n, 4000n)
}

/** @returns the session key of a new funded account */
async function newVoucherPayer(market: Market): Promise<Uint8Array> {
  const { network, inference, provider } = market
  const [key, session] = [randomBytes(32), randomBytes(32)]
  const user = addressOf(key)
  await fund(user)
  await onboard(market, user)
  const expiry = (await anvil.rpc.getBlock('latest'))!.timestamp + 86_400
  const delegation = { provider, user, sessionKey: addressOf(session), cap: ONE_0G, expiry }
  const [signature, proof] = [key, session].map((signer) =>
    signDelegation(signer, network.chainId, network.inference, delegation),
  )
  const { sessionKey, cap } = delegation
  await send(provider, inference, 'delegateSession', [
    provider,
    user,
    sessionKey,
    cap,
    expiry,
    proof,
    signature,
  ])
  return session
}

/** The whole way back of a user with money at one provider: every transaction. */
async function withdrawAll(market: Market): Promise<bigint> {
  const { subject, ledger, inference, provider } = market
  const user = await newAccount()
  await onboard(market, user)
  const lockTime = Number(await inference.getFunction('lockTime').staticCall())
  const wait = () => anvil.rpc.send('evm_increaseTime', [lockTime + 1])
  if (subject === 'ours') {
    const asked = await send(user, ledger, 'leave', [])
    await wait()
    return asked + (await send(user, ledger, 'leave', []))
  }
  const asked = await send(user, ledger, 'retrieveFund', [[provider], INFERENCE_SERVICE])
  await wait()
  const collected = await send(user, ledger, 'retrieveFund', [[provider], INFERENCE_SERVICE])
  const { availableBalance } = await ledger.getFunction('getLedger').staticCall(user)
  return asked + collected + (await send(user, ledger, 'refund', [availableBalance]))
}

async function newAccount(): Promise<Address> {
  const address = hexlify(randomBytes(20)) as Address
  await fund(address)
  return address
}

async function fund(address: Address): Promise<void> {
  await anvil.rpc.send('anvil_setBalance', [address, toQuantity(1000n * ONE_0G)])
}

/** @returns gas used */
async function send(
  from: Address,
  contract: Contract,
  method: string,
  args: readonly unknown[],
  value = 0n,
): Promise<bigint> {
  const data = contract.interface.encodeFunctionData(method, args)
  const transaction = {
    from,
    to: contract.target,
    data,
    value: toQuantity(value),
    gas: toQuantity(25_000_000),
  }
  const hash = await anvil.rpc.send('eth_sendTransaction', [transaction])
  const receipt = await receiptOf(hash)
  if (receipt.status !== '0x1') throw new Error(`${method} reverted`)
  return BigInt(receipt.gasUsed)
}

async function receiptOf(hash: Hex): Promise<{ readonly status: Hex; readonly gasUsed: Hex }> {
  for (;;) {
    const receipt = await anvil.rpc.send('eth_getTransactionReceipt', [hash])
    if (receipt) return receipt
    await sleep(5)
  }
}
