import { setTimeout as sleep } from 'node:timers/promises'
import { format0G } from '../../src/base/units.ts'
import { inferenceContract } from '../../src/chain/inference.ts'
import type { NetworkProfile } from '../../src/chain/networks.ts'
import { RpcProvider } from '../../src/chain/rpc.ts'
import type { Cli } from './cli.ts'
import { type FinetuneResult, tellFinetuning } from './finetune.ts'
import type { PreparedTrainer } from './python.ts'

/** What `npm run demo -- --json` prints. Amounts are decimal strings in neuron. */
export interface DemoResult {
  readonly network: { readonly chainId: number }
  readonly inference: Inference
  readonly settlement: Settlement
  /** Absent with `--no-finetune`. */
  readonly finetune?: FinetuneResult | { readonly skipped: string }
  /** Of the whole run. */
  readonly audit: { readonly difference: string }
  readonly withdrawn: string
  /** ms */
  readonly durations: Readonly<Record<string, number>>
}

interface Inference {
  readonly provider: string
  readonly model: string
  readonly prompt: string
  readonly text: string
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number }
  readonly fee: string
  readonly verdict: string
  readonly assurance: string
}

interface Settlement {
  readonly txHash: string
  readonly payers: number
  readonly paid: string
  readonly gasUsed: string
}

interface Audit {
  readonly paid: string
  readonly unsettled: string
  readonly difference: string
  readonly providers: readonly { readonly settlements: readonly { readonly txHash: string }[] }[]
}

const PROMPT = 'What is a receipt?'
const DEPOSIT = '0.05'
const SETTLED_WITHIN_MS = 30_000

export interface StoryOptions {
  /** The demo's own folder. */
  readonly home: string
  /** The trainer's Python, or why there is none; null without the part about training. */
  readonly trainer: PreparedTrainer | null
}

/** Runs the story, and says it on the way. */
export async function tellStory(cli: Cli, { home, trainer }: StoryOptions): Promise<DemoResult> {
  const { say } = cli
  const startedAt = performance.now()
  say('A stranger pays a stranger’s machine for an answer, and checks it. Everything runs on this machine.')

  const up = await step<{
    chainId: number
    rpc: string
    user: string
    provider: { address: string; url: string }
  }>(cli, ['devnet', 'up', '--port', '0', ...(trainer?.python ? ['--finetune'] : [])], 'devnetUp')
  say(`A chain with the contracts (${up.rpc}), you with 1000 0G (${up.user}),`)
  say(`and a provider with a model of its own (${up.provider.url}).`)

  const provider = up.provider.address
  await step(cli, ['fund', DEPOSIT, '--provider', provider, '--yes'], 'fund')
  say(`${DEPOSIT} 0G lie in escrow for the provider; it can take only what it signs for.`)

  const answer = await step<Inference>(
    cli,
    ['infer', PROMPT, '--provider', provider, '--temperature', '0'],
    'infer',
  )
  const { prompt_tokens: input, completion_tokens: output } = answer.usage
  say(`${answer.text}`)
  say(
    `${input} + ${output} tokens, ${format0G(BigInt(answer.fee))} 0G. Verdict: ${answer.verdict}, assurance: ${answer.assurance}.`,
  )
  say('The signer is the one on chain, both hashes are ours, and the fee is counts times price.')

  const first = await settled(cli)
  const settlement = await readSettlement(cli, first)
  say(`Settled in one transaction: ${format0G(BigInt(settlement.paid))} 0G, ${settlement.gasUsed} gas.`)
  say(`Receipts against the chain: difference ${first.difference} neuron.`)

  const finetune = trainer && (await train(cli, home, trainer))
  const audit = finetune ? await settled(cli) : first
  if (finetune) say(`Receipts of the whole run against the chain: difference ${audit.difference} neuron.`)

  const { withdrawn } = await step<{ withdrawn: string }>(
    cli,
    ['fund', 'withdraw', '--all', '--yes'],
    'withdraw',
  )
  say(`${format0G(BigInt(withdrawn))} 0G are back in the wallet: all that was not earned.`)
  await step(cli, ['devnet', 'down'], 'devnetDown')
  cli.durations.total = Math.round(performance.now() - startedAt)
  say(
    `\nDone in ${(cli.durations.total / 1000).toFixed(1)} s. The devnet's key is simulated: it proves nothing about hardware.`,
  )

  const { model, text, usage, fee, verdict, assurance } = answer
  return {
    network: { chainId: up.chainId },
    inference: { provider, model, prompt: PROMPT, text, usage, fee, verdict, assurance },
    settlement,
    ...(finetune && { finetune }),
    audit: { difference: audit.difference },
    withdrawn,
    durations: cli.durations,
  }
}

async function train(
  cli: Cli,
  home: string,
  { python, why }: PreparedTrainer,
): Promise<DemoResult['finetune']> {
  if (python !== null) return tellFinetuning(cli, python, home)
  cli.say(`\nThe part about training is left out: ${why}.`)
  return { skipped: why }
}

async function step<T>(cli: Cli, words: readonly string[], name: string): Promise<T> {
  cli.show(words)
  return cli.run<T>(words, name)
}

/** Waits until the provider has settled what is owed. */
async function settled(cli: Cli): Promise<Audit> {
  const startedAt = performance.now()
  cli.show(['receipts', 'audit'])
  for (;;) {
    const audit = await cli.run<Audit>(['receipts', 'audit'])
    cli.durations.settle = Math.round(performance.now() - startedAt)
    if (audit.unsettled === '0' && audit.paid !== '0') return audit
    if (cli.durations.settle > SETTLED_WITHIN_MS) throw new Error('The provider did not settle in time')
    await sleep(200)
  }
}

/** The transaction itself, as the chain has it. */
async function readSettlement(cli: Cli, audit: Audit): Promise<Settlement> {
  const hashes = new Set(
    audit.providers.flatMap(({ settlements }) => settlements.map(({ txHash }) => txHash)),
  )
  if (hashes.size !== 1) throw new Error(`One answer was settled in ${hashes.size} transactions`)
  const [txHash] = [...hashes] as [string]
  const network = await cli.run<NetworkProfile>(['network', 'show'])
  const rpc = new RpcProvider(network)
  try {
    const receipt = await rpc.getTransactionReceipt(txHash)
    if (!receipt) throw new Error('The settlement is not on chain')
    const contract = inferenceContract(network.inference, rpc)
    const topics = ['PayerSettled', 'TEESettlementResult'].map(
      (event) => contract.interface.getEvent(event)!.topicHash,
    )
    const payers = receipt.logs.filter((log) => topics.includes(log.topics[0]!)).length
    return { txHash, payers, paid: audit.paid, gasUsed: receipt.gasUsed.toString() }
  } finally {
    rpc.destroy()
  }
}
