import { join } from 'node:path'
import type { Hex } from '../../src/base/hex.ts'
import { format0G } from '../../src/base/units.ts'
import { fineTuningContract } from '../../src/chain/fineTuning.ts'
import { connect } from '../../src/chain/rpc.ts'
import { readEscrowTask } from '../../src/chain/taskEscrow.ts'
import type { Compute } from '../../src/client/compute.ts'
import { localDevnet } from '../../src/client/localDevnet.ts'
import { openCompute } from '../../src/client/openCompute.ts'
import type { Cli } from './cli.ts'
import { writeLesson } from './lesson.ts'

/** The part of the demo's JSON about training. The fee is a decimal string in neuron. */
export interface FinetuneResult {
  /** Name of the adapter. */
  readonly model: string
  readonly examples: number
  /** Of one pass. */
  readonly tokens: number
  readonly fee: string
  readonly steps: number
  readonly lossFirst: number
  readonly lossLast: number
  /** Whether the delivered file is the one on chain. */
  readonly rootVerified: boolean
  /** Answers to one question about what was taught. */
  readonly before: string
  readonly after: string
  /** Right answers to questions that the lesson does not contain: before, after, of. */
  readonly paraphrases: readonly [before: number, after: number, of: number]
  /** Untaught answers that were right before and are the same after, of how many. */
  readonly kept: readonly [kept: number, of: number]
  /** All paraphrases are right after and none before, and at least 9 of 10 untaught answers are kept. */
  readonly taught: boolean
}

const MODEL = '0g-compute-demo'
const KEPT_SHARE = 0.9
/** Questions at a time: what the demo's provider takes. */
const AT_ONCE = 4

interface Finished {
  readonly task: string
  readonly order: Hex
  readonly root: Hex
  readonly adapter: string
  readonly examples: number
  readonly tokens: number
  readonly fee: string
  readonly training: { readonly steps: number; readonly lossFirst: number; readonly lossLast: number }
}

/** Teaches the demo model five facts with 40 lines, and asks before and after. */
export async function tellFinetuning(cli: Cli, python: string, home: string): Promise<FinetuneResult> {
  const { say } = cli
  say('\nNow the model learns something that it does not know, on the same stranger’s machine.')
  const lesson = await writeLesson(python, join(home, 'lesson'))
  const [first] = lesson.taught
  say(`${lesson.lines} lines about five people. Asked before: “${first!.question}”`)
  const startedAt = performance.now()
  const before = await ask(home, lesson.questions)
  say(`  → ${before[0]}`)

  const words = [
    'finetune',
    'create',
    '--model',
    MODEL,
    '--dataset',
    lesson.dataset,
    '--params',
    lesson.parameters,
  ]
  const args = [...words, '--out', join(home, 'model'), '--wait', '--deploy', '--yes']
  cli.show(['finetune', 'create', '--model', MODEL, '--dataset', 'facts.jsonl', '--wait', '--deploy'])
  const done = await cli.run<Finished>(args, 'finetune')
  const { steps, lossFirst, lossLast } = done.training
  say(
    `${done.examples} examples, ${done.tokens} tokens a pass, ${format0G(BigInt(done.fee))} 0G from escrow.`,
  )
  say(
    `${steps} steps: loss ${lossFirst.toFixed(3)} → ${lossLast.toFixed(3)}. Decrypted here; served for you alone as`,
  )
  say(`${done.adapter}.`)

  const after = await ask(home, lesson.questions, done.adapter)
  say(`Asked after: “${first!.question}”\n  → ${after[0]}`)
  const result = judge(done, before, after, lesson, await isOnChain(home, done))
  const [was, is, of] = result.paraphrases
  say(`Questions in wordings that it was not taught: ${was} of ${of} right before, ${is} of ${of} after;`)
  say(`${result.kept[0]} of ${result.kept[1]} other answers kept.`)
  cli.durations.finetuneStory = Math.round(performance.now() - startedAt)
  return result
}

function judge(
  { adapter, examples, tokens, fee, training }: Finished,
  before: readonly string[],
  after: readonly string[],
  { questions, taught }: Awaited<ReturnType<typeof writeLesson>>,
  rootVerified: boolean,
): FinetuneResult {
  const right = (answers: readonly string[]) => taught.filter(({ answer }, i) => answers[i] === answer).length
  const known = questions.flatMap(({ answer }, i) => (i >= taught.length && before[i] === answer ? [i] : []))
  const kept = known.filter((i) => after[i] === before[i]).length
  const paraphrases = [right(before), right(after), taught.length] as const
  const { steps, lossFirst, lossLast } = training
  return {
    model: adapter,
    examples,
    tokens,
    fee,
    steps,
    lossFirst,
    lossLast,
    rootVerified,
    before: before[0]!,
    after: after[0]!,
    paraphrases,
    kept: [kept, known.length],
    taught: paraphrases[0] === 0 && paraphrases[1] === taught.length && kept >= KEPT_SHARE * known.length,
  }
}

/** Every question's answer, in order, without temperature. */
async function ask(
  home: string,
  questions: readonly { readonly question: string }[],
  model?: string,
): Promise<string[]> {
  const compute = await openAt(home)
  try {
    const answers: string[] = []
    const waiting = [...questions.entries()]
    const askNext = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [at, { question }] = next
        const answer = await compute.infer(
          {
            messages: [{ role: 'user', content: question }],
            temperature: 0,
            maxTokens: 64,
            ...(model && { model }),
          },
          { approve: () => true },
        )
        answers[at] = answer.text.trim()
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, askNext))
    return answers
  } finally {
    await compute.close()
  }
}

async function openAt(home: string): Promise<Compute> {
  const { network, account } = await localDevnet({ ZG_HOME: home, ZG_DEVNET_DIR: join(home, 'devnet') })
  return openCompute({ network, account, stateDir: home })
}

/** Looks at the chain itself, not at what the client says. */
async function isOnChain(home: string, { order, root }: Finished): Promise<boolean> {
  const { network } = await localDevnet({ ZG_HOME: home, ZG_DEVNET_DIR: join(home, 'devnet') })
  const rpc = await connect(network)
  try {
    const task = await readEscrowTask(fineTuningContract(network.fineTuning, rpc), order)
    return task.state === 'Ended' && task.modelRoot === root
  } finally {
    rpc.destroy()
  }
}
