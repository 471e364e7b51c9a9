import { randomBytes } from 'node:crypto'
import { type Contract, HDNodeWallet, type Signer } from 'ethers'
import { type Address, type Hex, hexToBytes } from '../../src/base/hex.ts'
import { ONE_0G } from '../../src/base/units.ts'
import { findLedger, INFERENCE_SERVICE } from '../../src/chain/ledger.ts'
import { addressOf, type PrivateKey } from '../../src/protocol/signature.ts'
import { type Delegation, signDelegation, signVoucher } from '../../src/protocol/voucher.ts'
import { formatVoucher } from '../../src/protocol/voucherHeader.ts'
import type { Ledger } from '../../src/provider/ledger/ledger.ts'
import { openNoTee } from '../../src/provider/tee/noTee.ts'
import { TEST_KEY, TEST_SIGNER } from './ledger.ts'
import type { World } from './world.ts'

/** The account that a test's world makes its provider. */
const PROVIDER = HDNodeWallet.fromPhrase(
  'test test test test test test test test test test test junk',
  undefined,
  "m/44'/60'/0'/0/1",
)

/** A broker's options without a TEE. */
export const withoutTee = (operator: { readonly privateKey: string } = PROVIDER) => ({
  tee: openNoTee(hexToBytes(operator.privateKey)),
})

/** A payer's session at the world's provider. */
export interface TestSession {
  readonly key: PrivateKey
  readonly address: Address
  readonly delegation: Delegation
  /** Signs for so many neuron in all. */
  sign(cumulative: bigint): Hex
  /** The header with that. */
  voucher(cumulative: bigint): { readonly 'zg-voucher': string }
}

export interface SessionOptions {
  readonly key?: PrivateKey
  readonly cap?: bigint
  /** Seconds after the chain's time. */
  readonly lasts?: number
  readonly provider?: Address
}

/** A wallet that is connected. */
type Payer = Signer & { readonly address: string }

/** Where a session is to be good. */
export type Place = Pick<World, 'anvil' | 'network'> & { readonly provider: { readonly address: string } }

const DAY = 86_400

/** Delegates a session key on chain, as the payer. */
export async function delegate(
  world: Place & Pick<World, 'inference'>,
  user: Payer,
  options: SessionOptions = {},
): Promise<TestSession> {
  const session = await undelegated(world, user, options)
  const { provider, sessionKey, cap, expiry } = session.delegation
  const { chainId, inference } = world.network
  const proof = signDelegation(session.key, chainId, inference, session.delegation)
  const call = (world.inference.connect(user) as Contract).getFunction('delegateSession')
  await (await call(provider, user.address, sessionKey, cap, expiry, proof, '0x')).wait()
  return session
}

/** The same, and nobody was told. */
export async function undelegated(
  { anvil, network, provider }: Place,
  user: Payer,
  { key = randomBytes(32), cap = ONE_0G, lasts = 30 * DAY, ...options }: SessionOptions = {},
): Promise<TestSession> {
  const { chainId, inference } = network
  const head = (await anvil.rpc.getBlock('latest'))!
  const payee = options.provider ?? (provider.address as Address)
  const delegation = {
    provider: payee,
    user: user.address as Address,
    sessionKey: addressOf(key),
    cap,
    expiry: head.timestamp + lasts,
  }
  const sign = (cumulative: bigint) => signVoucher(key, chainId, inference, { provider: payee, cumulative })
  return {
    key,
    address: delegation.sessionKey,
    delegation,
    sign,
    voucher: (cumulative) => ({ 'zg-voucher': formatVoucher({ cumulative, signature: sign(cumulative) }) }),
  }
}

/** Opens a sub-account, by default at a provider that has no signer: nobody is acknowledged. */
export async function openAccount(
  { ledger, network, provider }: Pick<World, 'ledger' | 'network'> & Pick<Place, 'provider'>,
  user: Payer,
  amount = ONE_0G,
  signer = `0x${'0'.repeat(40)}`,
): Promise<void> {
  const call = (ledger.connect(user) as Contract).getFunction('onboard')
  await (await call(network.inference, provider.address, signer, amount, { value: amount })).wait()
}

/** Lets the chain's time pass by a second a block, so that no lock time ends while a busy machine waits. */
export async function slowly<T>({ anvil }: Pick<World, 'anvil'>, work: () => Promise<T>): Promise<T> {
  await anvil.rpc.send('anvil_setBlockTimestampInterval', [1])
  try {
    return await work()
  } finally {
    await anvil.rpc.send('anvil_removeBlockTimestampInterval', [])
  }
}

/**
 * Brings everything back and closes the sub-account: what is signed and not claimed is void from then on.
 * @param asked called once the money was asked for, before it is collected
 */
export async function closeAccount(
  { anvil, ledger, inference, provider }: Pick<World, 'anvil' | 'ledger' | 'inference' | 'provider'>,
  user: Payer,
  asked: () => Promise<void>,
): Promise<void> {
  const own = ledger.connect(user) as Contract
  const send = async (method: string, ...args: unknown[]) =>
    (await own.getFunction(method)(...args)).wait() as Promise<unknown>
  const lockTime = Number(await inference.getFunction('lockTime').staticCall())
  await send('retrieveFund', [provider.address], INFERENCE_SERVICE)
  await asked()
  const { timestamp } = (await anvil.rpc.getBlock('latest'))!
  await anvil.rpc.send('evm_setNextBlockTimestamp', [timestamp + lockTime + 1])
  await send('retrieveFund', [provider.address], INFERENCE_SERVICE)
  await send('refund', (await findLedger(ledger, user.address as Address))!.available)
}

/** Settles by vouchers, whoever's keys the rest of a test uses. */
export const BY_VOUCHERS = { tee: { signerKey: TEST_KEY, signer: TEST_SIGNER, kind: 'none' } } as const

/** Shows a ledger what a payer's session key signed, as a request does. */
export const show = (
  ledger: Pick<Ledger, 'vouchers'>,
  { delegation, sign }: TestSession,
  cumulative: bigint,
): Promise<void> =>
  ledger.vouchers.keep({
    user: delegation.user.toLowerCase() as Address,
    sessionKey: delegation.sessionKey.toLowerCase() as Address,
    cumulative,
    signature: sign(cumulative),
    expiry: delegation.expiry,
  })
