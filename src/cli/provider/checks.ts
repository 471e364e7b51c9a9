import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { counted } from '../../base/counted.ts'
import { type AppError, toAppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { format0G, ONE_0G } from '../../base/units.ts'
import { findService, inferenceContract } from '../../chain/inference.ts'
import { allowsSimulatedTee, type NetworkProfile } from '../../chain/networks.ts'
import type { RpcProvider } from '../../chain/rpc.ts'
import { readAdminFile } from '../../provider/admin/adminFile.ts'
import type { ProviderConfig } from '../../provider/config/config.ts'
import { findRamFolder } from '../../provider/finetune/ramFolder.ts'
import { readOwedBelow } from '../../provider/readOwed.ts'

export interface Check {
  readonly name: string
  readonly state: 'pass' | 'warn' | 'fail'
  readonly text: string
  /** The command that repairs it. */
  readonly next?: string
}

export const pass = (name: string, text: string): Check => ({ name, state: 'pass', text })
export const warn = (name: string, text: string, next?: string): Check => ({
  name,
  state: 'warn',
  text,
  ...(next && { next }),
})
export const fail = (name: string, text: string, next?: string): Check => ({
  name,
  state: 'fail',
  text,
  ...(next && { next }),
})

const MIN_NODE = [22, 19] as const
/** For registration and the first settlements. */
const GAS_RESERVE = ONE_0G / 100n
const DSTACK_SOCKET = '/var/run/dstack.sock'

export function checkNode(version = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isEnough = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])
  return isEnough ? pass('node', version) : fail('node', `${version}; needs ${MIN_NODE.join('.')} or newer`)
}

/** What fine-tuning takes beside: packages that train, and a folder in memory. */
export function checkTraining(python: string | null, workDir: string | undefined): Check[] {
  const trainer = python
    ? pass('trainer', python)
    : fail('trainer', "the trainer's packages are not installed", '0g-compute provider init --finetune')
  try {
    const { path, freeBytes } = findRamFolder(workDir)
    return [
      trainer,
      pass('memory', `${path}: ${(freeBytes / 1024 ** 3).toFixed(1)} GiB for what jobs work on`),
    ]
  } catch (error) {
    return [trainer, fail('memory', toAppError(error).message)]
  }
}

export function checkTee(
  network: NetworkProfile,
  publicUrl: string | undefined,
  { kind, socket = DSTACK_SOCKET }: NonNullable<ProviderConfig['tee']> = {},
): Check {
  if (kind === 'none')
    return warn('tee', 'none, as configured: paid by vouchers, and nothing proves an answer')
  if (kind !== 'simulated' && existsSync(socket)) return pass('tee', `dstack at ${socket}`)
  if (kind !== 'dstack' && allowsSimulatedTee(network, ...(publicUrl ? [publicUrl] : [])))
    return warn('tee', 'simulated: good on this devnet only, proves nothing')
  return fail(
    'tee',
    `none: there is no ${socket}. Run inside a dstack CVM (deploy/ has a compose file), or be paid by vouchers: --tee none`,
  )
}

export async function checkPort(host: string, port: number): Promise<Check> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
  const place = `${host}:${port}`
  return free
    ? pass('port', `${place} is free`)
    : warn('port', `${place} is in use, perhaps by this broker`, '0g-compute provider status')
}

export function checkFolder(dataDir: string): Check {
  try {
    mkdirSync(dataDir, { recursive: true })
    accessSync(dataDir, constants.W_OK)
    return pass('data', dataDir)
  } catch {
    return fail('data', `${dataDir} cannot be written`)
  }
}

/** The name of the check that is there while a broker runs. */
export const BROKER = 'broker'

/** Whether one serves from this folder already: a second one could not. */
export function checkBroker(dataDir: string): Check[] {
  try {
    const { pid } = readAdminFile(dataDir)
    return [pass(BROKER, `one runs from this folder already, process ${pid}`)]
  } catch {
    return []
  }
}

/** What is lost if all of them left now who owe less than the minimum. Nothing before the first start. */
export async function checkOwed(database: string, minimum: bigint): Promise<Check[]> {
  const below = await readOwedBelow(database, minimum).catch(() => null)
  if (!below || minimum === 0n) return []
  const rule = `settlement.minimum, ${format0G(minimum)} 0G: who leaves owing less pays nothing`
  const { total, users } = below
  if (total === 0n) return [pass('owed', `nothing below ${rule}`)]
  const what = `${format0G(total)} 0G of ${counted(users, 'user')}`
  return [pass('owed', `${what} below ${rule}; provider settle brings it in`)]
}

/** Registration, stake and gas of the provider's account. */
export async function checkFunds(
  network: NetworkProfile,
  rpc: RpcProvider,
  provider: Address,
): Promise<Check[]> {
  try {
    const contract = inferenceContract(network.inference, rpc)
    const [balance, service, stake] = await Promise.all([
      rpc.getBalance(provider),
      findService(contract, provider),
      contract.getFunction('MIN_PROVIDER_STAKE').staticCall() as Promise<bigint>,
    ])
    const needed = (service ? 0n : stake) + GAS_RESERVE
    const what = service ? 'gas' : `a stake of ${format0G(stake)} 0G and gas`
    const funds =
      balance >= needed
        ? pass('funds', `${provider} has ${format0G(balance)} 0G: enough for ${what}`)
        : fail(
            'funds',
            `${provider} has ${format0G(balance)} 0G, needs ${format0G(needed)} 0G for ${what}: ${format0G(needed - balance)} 0G missing`,
            '0g-compute wallet show',
          )
    return [funds, checkService(service, provider)]
  } catch (error) {
    return [fail('funds', toAppError(error).message, '0g-compute network show')]
  }
}

function checkService(service: Awaited<ReturnType<typeof findService>>, provider: Address): Check {
  if (!service) return pass('service', 'not registered yet: the first start registers it')
  if (service.teeSignerAcknowledged)
    return pass('service', `registered at ${service.url}, signer acknowledged`)
  return warn(
    'service',
    'registered, but the owner of the contract has not acknowledged its signer: what is owed waits',
    `0g-compute provider show ${provider}`,
  )
}

export const rpcCheck = (network: NetworkProfile, failure: unknown): Check =>
  failure === null
    ? pass('rpc', `${network.name}, chain ${network.chainId}`)
    : fail('rpc', toAppError(failure).message, '0g-compute network show')

export const engineCheck = (failure: unknown, text: string): Check => {
  if (failure === null) return pass('engine', text)
  const error = toAppError(failure)
  return fail('engine', sentences(error), error.next)
}

const sentences = ({ message, hint }: AppError): string =>
  `${message.replace(/\.$/, '')}.${hint === undefined ? '' : ` ${hint}`}`
