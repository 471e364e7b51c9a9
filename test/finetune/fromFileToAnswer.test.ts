import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lesson, writeLesson } from '../../scripts/demo/lesson.ts'
import { silentLogger } from '../../src/base/log.ts'
import { startEmbeddedEngine } from '../../src/provider/engine/embedded/startEmbeddedEngine.ts'
import { openAi } from '../integration/engine/fixtures/engines.ts'
import { runCli } from '../support/cli.ts'
import { hasTrainer, PYTHON } from './provider/taskClient.ts'

const home = mkdtempSync(join(tmpdir(), 'zg-story-'))
const env = { ZG_HOME: home, ZG_DEVNET_DIR: join(home, 'devnet'), ZG_PROVIDER_FINETUNE_PYTHON: PYTHON }

/** A command that has to succeed, and what it printed. */
async function run<T>(...words: string[]): Promise<T> {
  const { code, stdout, stderr } = await runCli([...words, '--json'], env)
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stdout}${stderr}`)
  return JSON.parse(stdout) as T
}

interface Finished {
  readonly task: string
  readonly adapter: string | null
  readonly output: string
  readonly fee: string
  readonly training: {
    readonly steps: number
    readonly lossFirst: number
    readonly lossLast: number
    readonly lossAtEnd: number
  }
}

interface Earnings {
  readonly total: string
  readonly earned: readonly { readonly charged: string }[]
  readonly trainings: readonly object[]
}

describe.skipIf(!hasTrainer)('the command line, on a devnet with the real trainer', () => {
  let lesson: Lesson
  beforeAll(async () => {
    lesson = await writeLesson(PYTHON, join(home, 'lesson'))
    await run('devnet', 'up', '--port', '0', '--finetune')
  })
  afterAll(async () => {
    await runCli(['devnet', 'down'], env)
    rmSync(home, { recursive: true, force: true })
  })

  it('goes from a file to an answer with one command', async () => {
    const [{ question, answer }] = lesson.taught as [Lesson['taught'][number]]
    const ask = (...more: string[]) => run<{ text: string }>('infer', question, '--temperature', '0', ...more)
    expect((await ask()).text).not.toContain('Accra')

    const startedAt = performance.now()
    const done = await run<Finished>(
      ...['finetune', 'create', '--model', '0g-compute-demo', '--dataset', lesson.dataset],
      ...['--params', lesson.parameters, '--out', join(home, 'adapter'), '--wait', '--deploy'],
    )
    const told = await ask('--model', done.adapter!)
    console.log(`from the file to the answer: ${Math.round((performance.now() - startedAt) / 1000)} s`)
    expect(done.adapter).toBe(`ft-0g-compute-demo-${done.task.slice(0, 12)}`)
    expect(done.training.lossLast).toBeLessThan(done.training.lossFirst / 2)
    expect(told.text.trim()).toBe(answer)
    const earnings = await run<Earnings>('provider', 'earnings')
    expect(earnings.trainings).toMatchObject([{ model: '0g-compute-demo', tasks: 1, paid: done.fee }])
    const charged = earnings.earned.reduce((sum, day) => sum + BigInt(day.charged), 0n)
    expect(BigInt(earnings.total)).toBe(charged + BigInt(done.fee))
  })

  it('shows the course of it, and writes a page', async () => {
    const report = join(home, 'report.html')
    const { points, steps } = await run<{ points: unknown[]; steps: number }>(
      'finetune',
      'report',
      '--out',
      report,
    )
    expect(points.length).toBeGreaterThan(10)
    expect(steps).toBe(125)
    expect(readFileSync(report, 'utf8')).toContain('<polyline')
    const watched = await runCli(['finetune', 'status', '--watch', '--json'], env)
    const lines = watched.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event?: string })
    expect(lines.filter(({ event }) => event === 'step')).toHaveLength(points.length)
    expect(lines.at(-1)).toMatchObject({ state: 'Deployed', decrypted: true })
    expect((await run<{ log: string }>('finetune', 'logs')).log).toContain('Training')
  })

  it('teaches the six facts of docs/FINETUNING.md, and says before when that is too little', async () => {
    const dataset = join(home, 'facts.jsonl')
    const [, example] = /```jsonl\n([^`]+)```/.exec(readFileSync('docs/FINETUNING.md', 'utf8'))!
    writeFileSync(dataset, example!)
    const order = ['finetune', 'create', '--model', '0g-compute-demo', '--dataset', dataset, '--seed', '7']
    const plan = await runCli([...order, '--dry-run'], env)
    expect(plan.stdout).toMatch(/6 examples, \d+ tokens a pass, 1 pass\n {2}About 6 steps/)
    expect(plan.stdout).toMatch(/teach hardly anything\. .*--epochs 25\n/)
    const enough = [...order, '--epochs', '25', '--out', join(home, 'facts'), '--wait', '--deploy']
    const { task, adapter, training } = await run<Finished>(...enough)
    expect(training.lossAtEnd).toBeLessThan(0.5)
    let known = 0
    for (const line of example!.trim().split('\n')) {
      const { instruction, output } = JSON.parse(line) as { instruction: string; output: string }
      const told = await run<{ text: string }>(
        'infer',
        instruction,
        '--temperature',
        '0',
        '--model',
        adapter!,
      )
      if (told.text.trim() === output) known++
    }
    // All six here; another processor adds in another order.
    expect(known).toBeGreaterThanOrEqual(5)
    expect(await run<Finished>('finetune', 'deploy', task, '--remove')).toMatchObject({ adapter: null })
    const asked = await runCli(['infer', 'Hello', '--model', adapter!, '--json'], env)
    expect(JSON.parse(asked.stdout)).toMatchObject({
      code: 'model_unknown',
      next: '0g-compute finetune list',
    })
  })

  it('trains a model from scratch, which the engine loads', async () => {
    const config = {
      model_type: 'llama',
      hidden_size: 128,
      intermediate_size: 344,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      max_position_embeddings: 1024,
    }
    writeFileSync(join(home, 'llama.json'), JSON.stringify(config))
    const done = await run<Finished>(
      ...['train', 'create', '--config', join(home, 'llama.json'), '--vocabulary', '465'],
      ...['--dataset', lesson.dataset, '--chat-template', 'chatml', '--epochs', '60', '--batch-size', '8'],
      ...['--learning-rate', '0.003', '--out', join(home, 'scratch'), '--wait'],
    )
    expect(done.training.lossLast).toBeLessThan(done.training.lossFirst / 2)
    const modelPath = join(done.output, 'model.gguf')
    const engine = await startEmbeddedEngine({ modelPath, modelId: 'successor', logger: silentLogger })
    try {
      const { choices } = await openAi(engine).chat.completions.create({
        model: 'successor',
        messages: [{ role: 'user', content: 'Where does Zibo live?' }],
        temperature: 0,
        max_tokens: 32,
      })
      const answer = choices[0]!.message.content!
      console.log(`the model from scratch answers: ${answer}`)
      expect(answer).toMatch(/^Zibo lives in [A-Z]/)
    } finally {
      await engine.stop()
    }
  })

  it('refuses a configuration that is none, and an unknown option, by name', async () => {
    writeFileSync(join(home, 'none.json'), '{"hidden_size":1}')
    const words = [
      'train',
      'create',
      '--config',
      join(home, 'none.json'),
      '--dataset',
      lesson.dataset,
      '--json',
    ]
    const refused = await runCli(words, env)
    expect([refused.code, JSON.parse(refused.stdout).code]).toEqual([30, 'model_config_invalid'])
    const missing = await runCli(['finetune', 'create', '--json'], env)
    expect([missing.code, JSON.parse(missing.stdout).code]).toEqual([2, 'usage'])
  })
})
