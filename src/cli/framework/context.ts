import { AppError, EXIT } from '../../base/errors.ts'
import { type Address, hexToBytes } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import type { Compute } from '../../client/compute.ts'
import { once } from '../../client/once.ts'
import type { Buyer } from '../../client/openBuyer.ts'
import type { BuyerAccount } from '../../client/session.ts'
import { type DevnetFile, readRunningDevnet } from './devnetFile.ts'
import type { FoundKey } from './findKey.ts'
import { isFirstTime } from './isFirstTime.ts'
import type { Output } from './output.ts'
import type { GlobalFlags } from './parse.ts'
import { type Environment, type Paths, pathsOf } from './paths.ts'
import { askYesNo, canAsk, needsTerminal } from './prompt.ts'
import { type SelectedNetwork, selectNetwork } from './selectNetwork.ts'
import { Settings } from './settings.ts'
import { Wallets } from './wallets.ts'

/** What a command works with. Everything is made when it is first asked for. */
export class Context {
  readonly out: Output
  readonly flags: GlobalFlags
  readonly env: Environment = process.env
  readonly paths: Paths = pathsOf(process.env)
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  readonly wallets = new Wallets(this.paths.config)
  readonly #closers: (() => void | Promise<void>)[] = []
  #settings: Settings | undefined
  #devnet: DevnetFile | null | undefined
  #selected: SelectedNetwork | undefined
  #key: FoundKey | undefined
  #compute: Compute | undefined

  constructor(flags: GlobalFlags, out: Output, signal: AbortSignal) {
    this.flags = flags
    this.out = out
    this.signal = signal
  }

  get settings(): Settings {
    this.#settings ??= new Settings(this.flags, this.env, this.paths.config, process.cwd())
    return this.#settings
  }

  /** The devnet that is up on this machine, or null. */
  get devnet(): DevnetFile | null {
    if (this.#devnet === undefined) this.#devnet = readRunningDevnet(this.paths.devnet)
    return this.#devnet
  }

  /** The network of this call. Says so when nobody named it. */
  get network(): NetworkProfile {
    if (!this.#selected) {
      this.#selected = selectNetwork(this.settings, this.devnet)
      const { network, byDefault } = this.#selected
      if (byDefault && !this.flags.json && !this.flags.quiet) this.#sayNetwork(network)
    }
    return this.#selected.network
  }

  /** A devnet each time, as it may be gone next time; mainnet, where money is real, once. */
  #sayNetwork({ kind }: NetworkProfile): void {
    if (kind === 'devnet') {
      this.out.note(this.out.notePaint.dim('Using the devnet on this machine; --network chooses another'))
    } else if (isFirstTime(this.paths.state, 'mainnet')) this.out.note(USING_MAINNET)
  }

  /** Whose money it is. @throws AppError `no_key` */
  async key(): Promise<FoundKey> {
    if (!this.#key) {
      const { findKey } = await import('./findKey.ts')
      this.#key = findKey({
        settings: this.settings,
        wallets: this.wallets,
        network: this.network,
        devnet: this.devnet,
        env: this.env,
        warn: (text) => this.out.warn(text),
      })
    }
    return this.#key
  }

  async address(): Promise<Address> {
    return (await this.key()).address
  }

  /** The client, with the wallet's account where there is a wallet. The key is unlocked when it has to sign. */
  async compute(options: { readonly needsAccount: boolean } = { needsAccount: true }): Promise<Compute> {
    if (!this.#compute) {
      const key = options.needsAccount ? await this.key() : null
      const [{ openCompute }, { acceptsIncomplete, policyOf }] = await Promise.all([
        import('../../client/openCompute.ts'),
        import('./verification.ts'),
      ])
      acceptsIncomplete(this.settings) // a word that it does not take is said before money moves
      const policy = policyOf(this.settings)
      this.#compute = await openCompute({
        network: this.network,
        ...(policy && { policy }),
        stateDir: this.paths.state,
        ...(key && { account: accountOf(key) }),
      })
      this.onClose(() => this.#compute?.close())
    }
    return this.#compute
  }

  /** Only what buys answers, with the wallet's account: it opens in a moment. */
  async buyer(): Promise<Buyer> {
    const key = await this.key()
    const [{ openBuyer }, { acceptsIncomplete, policyOf }] = await Promise.all([
      import('../../client/openBuyer.ts'),
      import('./verification.ts'),
    ])
    acceptsIncomplete(this.settings)
    const policy = policyOf(this.settings)
    const buyer = openBuyer({
      network: this.network,
      ...(policy && { policy }),
      stateDir: this.paths.state,
      account: accountOf(key),
    })
    this.onClose(() => buyer.close())
    return buyer
  }

  /**
   * Asks before money moves. A devnet's money needs no asking; `--yes` answers.
   * @throws AppError `terminal_needed` when nobody is there to ask, `cancelled` when the answer is no
   */
  async confirmSpending(what: string, cost: bigint): Promise<void> {
    const question = `${what}: ${format0G(cost)} 0G on ${this.network.name}`
    if (this.flags.yes || this.network.kind === 'devnet') return
    if (!canAsk()) {
      throw needsTerminal(
        `${question} needs a confirmation`,
        'Run it again with --yes if that is what you want',
      )
    }
    if (!(await askYesNo(`${question}. Go on?`))) throw cancelled()
  }

  onClose(close: () => void | Promise<void>): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
  }
}

const USING_MAINNET = `Using mainnet, where money is real: no network is chosen, and no devnet is up.
  0g-compute devnet up            a network on this machine, with money to try
  0g-compute network use testnet  another one for good; --network for one call`

/** A password is asked for when something has to be signed: once, unless it was wrong. */
function accountOf(key: FoundKey): BuyerAccount {
  const unlocked = once(key.unlock)
  return {
    address: key.address,
    signer: async (rpc) => {
      const { Wallet } = await import('ethers')
      return new Wallet(await unlocked(), rpc)
    },
    sign: async (bytes) => {
      const { personalBytesDigest, signDigest } = await import('../../protocol/signature.ts')
      return signDigest(hexToBytes(await unlocked()), personalBytesDigest(bytes))
    },
  }
}

export const cancelled = (): AppError =>
  new AppError({
    code: 'cancelled',
    message: 'Cancelled',
    hint: 'Nothing was sent',
    exitCode: EXIT.usage,
  })
