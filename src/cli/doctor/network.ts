import { type AppError, toAppError } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'
import { inferenceContract, type Service } from '../../chain/inference.ts'
import { ledgerContract, readMinimums } from '../../chain/ledger.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import { connect } from '../../chain/rpc.ts'
import { isDevnetProviderDown } from '../framework/advised.ts'
import type { Context } from '../framework/context.ts'
import { SETTINGS } from '../framework/settings.ts'
import { fail, pass, type Verdict, warn } from './runChecks.ts'

/** Providers that are asked whether they answer. */
const MAX_ASKED = 32

/** Each RPC of the profile by itself: one is enough. */
export async function checkNetwork({ network, settings }: Context): Promise<Verdict> {
  const rpcs = await Promise.all(network.rpcUrls.map((url) => probe(network, url)))
  const answering = rpcs.filter(({ ms }) => ms !== null)
  if (answering.length === 0) {
    return fail(rpcs.map(sayRpc).join('; '), wayToAnother(settings.find('rpc')?.origin))
  }
  const detail = `${network.name}, chain ${network.chainId}: ${rpcs.map(sayRpc).join('; ')}`
  return answering.length === rpcs.length ? pass(detail) : warn(detail)
}

/** What names another RPC. @param origin where the one that does not answer is named; none for the network's own */
function wayToAnother(origin: string | undefined): string {
  if (origin === '--rpc') return 'name another with --rpc, or none'
  if (origin === SETTINGS.rpc.env) return `set ${origin} to another, or unset it`
  return '0g-compute config set rpc <url of another>'
}

interface Rpc {
  readonly url: string
  readonly ms: number | null
  readonly error: AppError | null
}

async function probe(network: NetworkProfile, url: string): Promise<Rpc> {
  const startedAt = performance.now()
  const { origin } = new URL(url)
  try {
    const rpc = await connect({ ...network, rpcUrls: [url] })
    rpc.destroy()
    return { url: origin, ms: Math.round(performance.now() - startedAt), error: null }
  } catch (error) {
    return { url: origin, ms: null, error: toAppError(error) }
  }
}

const sayRpc = ({ url, ms, error }: Rpc): string => {
  if (ms !== null) return `${url} answers in ${ms} ms`
  return error?.code === 'wrong_chain' ? `${url} serves another chain` : `${url} does not answer`
}

/** That the contracts are where the profile says, and what they ask. */
export async function checkContracts({ network }: Context): Promise<Verdict> {
  const rpc = await connect(network)
  try {
    const { ledger, inference, fineTuning } = network
    for (const [name, address] of Object.entries({ ledger, inference, fineTuning })) {
      if ((await rpc.getCode(address)) === '0x') return fail(`there is no ${name} contract at ${address}`)
    }
    const { deposit, transfer } = await readMinimums(ledgerContract(ledger, rpc))
    const lock = Number(await inferenceContract(inference, rpc).getFunction('lockTime').staticCall())
    return pass(
      `at least ${format0G(deposit)} 0G for a ledger and ${format0G(transfer)} for a provider; refunds are locked for ${lock} s`,
    )
  } finally {
    rpc.destroy()
  }
}

/** How many providers there are, and how many of them answer. */
export async function checkProviders(context: Context): Promise<Verdict> {
  const compute = await context.compute({ needsAccount: false })
  const services = await compute.providers()
  if (services.length === 0) return fail('nobody is registered', '0g-compute provider serve --help')
  const asked = services.slice(0, MAX_ASKED)
  const answers = await Promise.all(
    asked.map((service) =>
      compute.offers(service).then(
        () => true,
        () => false,
      ),
    ),
  )
  const count = answers.filter((isThere) => isThere).length
  const detail = `${services.length} registered, ${count} of ${asked.length} asked answer${kindsOf(services)}`
  if (count === 0)
    return fail(detail, isDevnetProviderDown(context) ? '0g-compute devnet up' : '0g-compute provider list')
  return pass(detail)
}

/** Where the model runs, as far as it is not in the provider's own enclave. */
function kindsOf(services: readonly Service[]): string {
  const infos = services.map(({ additionalInfo }) => additionalInfo)
  const centralized = infos.filter((info) => /"ProviderType"\s*:\s*"centralized"/.test(info)).length
  const separate = infos.filter((info) => /"TargetSeparated"\s*:\s*true/.test(info)).length - centralized
  const parts = [
    ...(centralized > 0 ? [`${centralized} pass requests on to a company's service`] : []),
    ...(separate > 0 ? [`${separate} have the model in an enclave of its own`] : []),
  ]
  return parts.length > 0 ? `; ${parts.join(', ')}` : ''
}
