import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { getAddress } from 'ethers'
import { firstFailure } from '../../attestation/verdict.ts'
import { format0G } from '../../base/units.ts'
import { chainTimeSeconds } from '../../chain/clock.ts'
import { connect } from '../../chain/rpc.ts'
import type { Context } from '../framework/context.ts'
import { wayToMoney } from '../framework/wayToMoney.ts'
import { checkContracts, checkNetwork, checkProviders } from './network.ts'
import { type Check, fail, pass, type Verdict, warn } from './runChecks.ts'

/** A receipt may be a minute off: a clock that is wrong by more makes good answers look false. */
const CLOCK_SECONDS = 60

/** From this machine outwards: what fails first is usually why the rest does. The first that needs a client says whose. */
export const CHECKS: readonly Check[] = [
  { name: 'node', run: () => pass(`Node.js ${process.versions.node}`) },
  { name: 'folders', run: ({ paths }) => checkFolders([paths.config, paths.state]) },
  { name: 'secrets', run: checkSecrets },
  { name: 'network', run: checkNetwork },
  { name: 'clock', needs: 'network', run: checkClock },
  { name: 'contracts', needs: 'network', run: checkContracts },
  { name: 'wallet', run: checkWallet },
  { name: 'funds', needs: 'network', run: checkFunds },
  { name: 'providers', needs: 'network', run: checkProviders },
  { name: 'provider', needs: 'network', run: checkProvider },
]

function checkFolders(folders: readonly string[]): Verdict {
  for (const folder of folders) {
    let existing = folder
    while (!existsSync(existing)) existing = dirname(existing)
    try {
      accessSync(existing, constants.W_OK)
    } catch {
      return fail(`${existing} cannot be written`, `chmod u+w ${existing}`)
    }
  }
  return pass([...new Set(folders)].join(', '))
}

function checkSecrets({ paths, env }: Context): Verdict {
  const candidates = [
    join(paths.config, 'wallets'),
    join(paths.state, 'proxy', 'token'),
    join(paths.state, 'keys.json'),
  ]
  const files = [...candidates, env.ZG_PRIVATE_KEY_FILE, env.ZG_PASSWORD_FILE].filter(
    (path) => path && existsSync(path),
  )
  const open = process.platform === 'win32' ? undefined : files.find((path) => statSync(path!).mode & 0o077)
  if (open) return warn(`${open} can be read by other users of this machine`, `chmod go= ${open}`)
  if (env.ZG_PRIVATE_KEY)
    return warn(
      'ZG_PRIVATE_KEY is in the environment, where other programs see it',
      '0g-compute wallet import',
    )
  return pass(files.length > 0 ? 'readable by you alone' : 'none yet')
}

async function checkClock({ network }: Context): Promise<Verdict> {
  const rpc = await connect(network)
  try {
    const seconds = Math.round(Date.now() / 1000 - (await chainTimeSeconds(rpc)))
    // A chain without traffic has an old last block: only a clock behind it is surely wrong.
    if (seconds < -CLOCK_SECONDS)
      return fail(`the clock is ${-seconds} s behind the chain`, 'set the clock by NTP')
    return pass(`the last block is ${Math.max(0, seconds)} s old`)
  } finally {
    rpc.destroy()
  }
}

async function checkWallet(context: Context): Promise<Verdict> {
  const { address, origin } = await context.key()
  return pass(`${getAddress(address)} (${origin})`)
}

async function checkFunds(context: Context): Promise<Verdict> {
  const compute = await context.compute()
  const { wallet, available, subAccounts } = await compute.fundStatus({ askProviders: false })
  const free = subAccounts.reduce((sum, account) => sum + account.free, 0n)
  const detail = `${format0G(wallet)} 0G in the wallet, ${format0G(available)} in the ledger, ${format0G(free)} at providers`
  if (wallet > 0n) return pass(detail)
  const fix = await wayToMoney(context)
  return available + free === 0n ? fail(detail, fix) : warn(`${detail}: nothing is left for gas`, fix)
}

async function checkProvider(context: Context): Promise<Verdict> {
  const compute = await context.compute({ needsAccount: false })
  const { service, model } = await compute.cheapest()
  const { verdict } = await compute.checkProvider(service)
  const detail = `${model} at ${service.provider}: evidence ${verdict.outcome}, assurance ${verdict.assurance}`
  const show = `0g-compute provider show ${service.provider}`
  if (verdict.outcome === 'rejected') return fail(`${detail}, at step "${firstFailure(verdict)?.name}"`, show)
  return verdict.outcome === 'accepted' ? pass(detail) : warn(detail, show)
}
