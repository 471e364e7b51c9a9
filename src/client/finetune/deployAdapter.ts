import { sha256 } from 'ethers/crypto'
import type { Address } from '../../base/hex.ts'
import { findAccount, findService, type Service } from '../../chain/inference.ts'
import { readText } from '../brokerApi.ts'
import { brokerError, malformedAnswer } from '../brokerError.ts'
import { abilitiesOf } from '../capabilities/abilitiesOf.ts'
import type { Credential } from '../credential.ts'
import { requireAccount, type Session } from '../session.ts'
import type { SessionTokens } from '../tokens.ts'
import { deployFailed, deployUnsupported } from './errors.ts'
import type { LocalTask } from './localTask.ts'

export interface DeployHooks {
  readonly onState?: (state: string) => void
  readonly signal?: AbortSignal
}

/** An adapter as its owner sees it. @see client-wire.md section 2.9 */
interface Adapter {
  readonly adapterName: string
  readonly taskId: string
  readonly state: string
  readonly error?: string
}

const TIMEOUT_MS = 180_000
/** A provider that finishes a task this moment lists it a little later, ms. */
const LISTED_MS = 15_000
const POLL_MS = 500
const HTTP_TIMEOUT_MS = 30_000

/**
 * Has the provider's inference service load a finished adapter, and waits until it answers.
 * @returns the adapter's name
 * @throws AppError `deploy_unsupported`, `deploy_failed`
 */
export async function deployAdapter(
  session: Session,
  tokens: SessionTokens,
  task: LocalTask,
  hooks: DeployHooks,
): Promise<string> {
  const broker = await adaptersAt(session, tokens, task.provider)
  const startedAt = session.runtime.now()
  let asked = false
  for (;;) {
    const adapter = await broker.find(task.taskId!)
    hooks.onState?.(adapter?.state ?? 'init')
    if (adapter?.state === 'active') return adapter.adapterName
    if (adapter?.state === 'failed' && asked)
      throw deployFailed(adapter.adapterName, adapter.error ?? 'no reason')
    if (adapter && !asked && DEPLOYABLE.includes(adapter.state)) {
      await broker.deploy(adapter.adapterName)
      asked = true
    }
    const waited = session.runtime.now() - startedAt
    if (!adapter && waited > LISTED_MS) throw deployUnsupported('it is not among those that it can serve')
    if (waited > TIMEOUT_MS) throw deployFailed(adapter?.adapterName ?? task.taskId!, 'it takes too long')
    await session.runtime.sleep(POLL_MS, hooks.signal)
  }
}

/** Ends what `deployAdapter` began. @throws AppError `deploy_unsupported` */
export async function removeAdapter(session: Session, tokens: SessionTokens, task: LocalTask): Promise<void> {
  const broker = await adaptersAt(session, tokens, task.provider)
  const adapter = await broker.find(task.taskId!)
  if (adapter) await broker.remove(adapter.adapterName)
}

/** @throws AppError `deploy_unsupported` when a provider of fine-tuning serves no models */
export async function serviceServing(session: Session, provider: Address): Promise<Service> {
  const service = await findService(session.inference, provider)
  if (!service) throw deployUnsupported('this provider serves no models')
  return service
}

async function adaptersAt(session: Session, tokens: SessionTokens, provider: Address): Promise<AdapterApi> {
  const service = await serviceServing(session, provider)
  const account = await findAccount(session.inference, requireAccount(session).address, provider)
  const abilities = await abilitiesOf(session, service)
  const credential = await tokens.get(provider, account?.generation ?? 0, abilities)
  return new AdapterApi(session, service.url, credential)
}

const DEPLOYABLE = ['ready', 'offloaded', 'archived', 'failed']

class AdapterApi {
  readonly #session: Session
  readonly #url: string
  readonly #credential: Credential

  constructor(session: Session, url: string, credential: Credential) {
    this.#session = session
    this.#url = url.replace(/\/+$/, '')
    this.#credential = credential
  }

  async find(taskId: string): Promise<Adapter | null> {
    const { adapters } = (await this.#json('GET', '')) as { adapters?: readonly Adapter[] }
    if (!Array.isArray(adapters)) throw malformedAnswer('/v1/lora/adapters')
    return adapters.find((adapter) => adapter.taskId === taskId) ?? null
  }

  async deploy(adapterName: string): Promise<void> {
    await this.#json('POST', '/deploy', { adapterName })
  }

  async remove(adapterName: string): Promise<void> {
    await this.#json('POST', '/remove', { adapterName })
  }

  async #json(method: 'GET' | 'POST', below: string, content?: object): Promise<object> {
    const path = `/v1/lora/adapters${below}`
    const body = content && new TextEncoder().encode(JSON.stringify(content))
    const headers = { 'content-type': 'application/json' }
    const bodyHash = body && sha256(body).slice(2)
    const response = await this.#session.runtime.request({
      method,
      url: this.#url + path,
      headers: {
        ...headers,
        ...this.#credential.headersFor({ method, path, headers, ...(bodyHash && { bodyHash }) }),
      },
      ...(body && { body }),
      headersTimeoutMs: HTTP_TIMEOUT_MS,
      bodyTimeoutMs: HTTP_TIMEOUT_MS,
    })
    const text = await readText(response, '/v1/lora/adapters')
    if (response.status === 404 && method === 'GET') throw deployUnsupported('its broker serves no adapters')
    if (response.status >= 300) throw brokerError(response.status, text)
    return JSON.parse(text) as object
  }
}
