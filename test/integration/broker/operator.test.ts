import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { findService } from '../../../src/chain/inference.ts'
import { chatService, registerService } from '../../../src/provider/registration.ts'
import { CHAT } from '../../support/brokerBench.ts'
import { standInForGpus } from '../../support/gpus/standIn.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { type ServeProcess, startServe } from '../../support/serveProcess.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

let world: World
let scripted: ScriptedEngine
let serve: ServeProcess
let token: string
let config: string

const CONFIG = (prices: string, limits = '') => `
settlement: { interval: 3600, minimum: '0' }
prices: { ${prices} }   # a comment that stays
limits: { ${limits} }
`

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  config = join(world.dir, 'provider.yaml')
  writeFileSync(config, CONFIG("input: '0.001', output: '0.004'"))
  serve = await startServe(world, ['--config', config, '--engine', 'url', '--target', scripted.target])
  await world.fund(world.user)
  token = await tokenOf(world.user, world.provider.address)
})

afterAll(async () => {
  await serve?.stop()
  await world?.stop()
  await scripted?.stop()
})

const ask = (body: object = {}) =>
  fetch(serve.url + CHAT, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ model: 'steady', messages: [], max_tokens: 5, ...body }),
  })

interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The real command, on the devnet of this test. */
async function cli(...args: string[]): Promise<Result> {
  const env = {
    ...process.env,
    ZG_HOME: join(world.dir, 'home', 'zg'),
    ZG_DEVNET_DIR: join(world.dir, 'devnet'),
    ZG_NETWORK: 'devnet',
    NO_COLOR: '1',
  }
  const argv = ['bin/0g-compute.js', 'provider', ...args]
  return promisify(execFile)(process.execPath, argv, { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  )
}

const about = () => ['--config', config, '--data-dir', serve.dataDir]

describe('an operator', () => {
  it('sees whether it is ready, and what it does, in status and metrics', async () => {
    expect((await ask()).status).toBe(200)
    expect((await ask({ model: 'gpt-99' })).status).toBe(404)
    expect(await (await fetch(`${serve.url}/readyz`)).json()).toEqual({ ready: true, reasons: [] })
    const { stdout } = await cli('status', '--json', ...about())
    const status = JSON.parse(stdout)
    expect(status).toMatchObject({
      ready: true,
      provider: world.provider.address,
      pid: serve.child.pid,
      running: 0,
    })
    expect(BigInt(status.owed)).toBe(10n * 10n ** 9n + 5n * 4n * 10n ** 9n)
    const metrics = await (await fetch(status.metrics)).text()
    expect(metrics).toMatch(/^broker_output_tokens_total\{model="steady".*\} 5$/m)
    expect(metrics).toMatch(/^broker_requests_rejected_total\{reason="model_not_found".*\} 1$/m)
    expect(metrics).toMatch(/^broker_owed_0g\{.*\} 3e-8$/m)
    expect(metrics).toMatch(/^broker_oldest_owed_seconds\{.*\} [0-9.]*[1-9]/m)
    expect(metrics).toMatch(/^broker_oldest_due_seconds\{.*\} [0-9.]*[1-9]/m)
    const text = (await cli('status', ...about())).stdout
    expect(text).toContain('0.00000003 0G')
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it('has a dashboard whose every figure is there', async () => {
    const metrics = await (await fetch(`${serve.admin().url}/metrics`)).text()
    const dashboard = readFileSync('deploy/grafana/provider.json', 'utf8')
    const names = new Set(dashboard.match(/\b(?:broker|event|process|nodejs)_[a-z0-9_]+/g))
    expect(names.size).toBeGreaterThan(10)
    for (const name of names) expect(metrics, name).toContain(name)
  })

  it('settles when it wants to, and sees what was earned', async () => {
    const { stdout } = await cli('settle', '--json', ...about())
    expect(JSON.parse(stdout)).toMatchObject({ paid: '30000000000', problem: null })
    const earnings = JSON.parse((await cli('earnings', '--json', '--days', '2', ...about())).stdout)
    expect(earnings).toMatchObject({
      total: '30000000000',
      earned: [{ model: 'steady', answers: 1, inputTokens: 10, outputTokens: 5, charged: '30000000000' }],
    })
    const text = (await cli('earnings', ...about())).stdout
    expect(text).toMatch(/█{40} {2}0\.00000003$/m)
    expect(text).toMatch(/steady +1 +10 +5 +0\.00000003/)
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it('changes the price in the file, the broker and the chain, and comments stay', async () => {
    const { stdout } = await cli('price', '--input', '0.002', '--json', ...about())
    expect(JSON.parse(stdout)).toMatchObject({ input: '2000000000', output: '4000000000' })
    expect(readFileSync(config, 'utf8')).toMatch(/input: ['"]?0\.002['"]?.*# a comment that stays/)
    expect((await findService(world.inference, world.provider.address as `0x${string}`))!.inputPrice).toBe(
      2n * 10n ** 9n,
    )
    const [model] = (await (await fetch(`${serve.url}/v1/models`)).json()).data
    expect(model.pricing).toEqual({ prompt: '2000000000', completion: '4000000000' })
    expect((await cli('price', ...about())).stdout).toContain('0.002 / 0.004 0G')
  })

  it('has prices and limits read again on SIGHUP; a fault in the file changes nothing', async () => {
    const before = await findService(world.inference, world.provider.address as `0x${string}`)
    writeFileSync(config, CONFIG("input: '0.003', output: '0.004'", 'user: { requestsPerMinute: 7 }'))
    serve.child.kill('SIGHUP')
    await expect.poll(async () => (await ask()).headers.get('x-ratelimit-limit-requests')).toBe('7')
    await expect
      .poll(
        async () => (await findService(world.inference, world.provider.address as `0x${string}`))!.inputPrice,
      )
      .toBe(3n * 10n ** 9n)
    expect(before!.inputPrice).toBe(2n * 10n ** 9n)
    expect(
      (await findService(world.inference, world.provider.address as `0x${string}`))!.teeSignerAcknowledged,
    ).toBe(true)
    writeFileSync(config, CONFIG("inptu: '9'"))
    serve.child.kill('SIGHUP')
    await expect.poll(() => readFileSync(serve.logFile, 'utf8')).toMatch(/"reload_failed"/)
    expect(readFileSync(serve.logFile, 'utf8')).toMatch(/prices\.inptu is no setting/)
    const [model] = (await (await fetch(`${serve.url}/v1/models`)).json()).data
    expect(model.pricing.prompt).toBe('3000000000')
    writeFileSync(config, CONFIG("input: '0.003', output: '0.004'"))
  })

  it('checks what a start needs, measures the engine and estimates a day by what others ask', async () => {
    for (const [index, input] of [3n, 9n].entries()) {
      const operator = world.anvil.wallets[5 + index]!
      const prices = { input: input * 10n ** 9n, output: 10n ** 10n }
      const params = chatService({
        url: 'http://127.0.0.1:1',
        model: 'x/Steady',
        prices,
        signer: operator.address as Address,
      })
      await registerService({ contract: world.inference, operator, params, log: silentLogger })
    }
    const args = ['check', '--engine', 'url', '--target', scripted.target, '--used', '10', ...about()]
    vi.stubEnv('PATH', `${standInForGpus(world.dir, [81_559, 81_559])}:${process.env.PATH}`)
    vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined)
    const { code, stdout } = await cli(...args, '--json')
    vi.unstubAllEnvs()
    const { checks, estimate } = JSON.parse(stdout)
    expect(checks.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining([
        'node',
        'cpu',
        'ram',
        'gpu',
        'engine',
        'rpc',
        'funds',
        'service',
        'port',
        'tee',
        'data',
      ]),
    )
    expect(checks.filter(({ state }: { state: string }) => state === 'fail')).toEqual([])
    const gpus = 'Stand-in for a GPU 0, 79.6 GiB; Stand-in for a GPU 1, 79.6 GiB'
    expect(checks).toContainEqual({ name: 'gpu', state: 'pass', text: gpus })
    expect(code).toBe(0)
    expect(estimate).toMatchObject({
      model: 'steady',
      usedPercent: 10,
      market: { basis: 'same', services: 2 },
    })
    // Its own service, at 0.003 and 0.004, does not count.
    expect(estimate.market).toMatchObject({
      prompt: { price: '6000000000' },
      answers: { price: '10000000000' },
    })
    expect(estimate.own).toMatchObject({ prompt: { price: '3000000000' }, answers: { price: '4000000000' } })
    const { prompt, answers, perDay, perDayUsed } = estimate.market
    expect(BigInt(answers.tokens)).toBeGreaterThan(0n)
    expect(BigInt(perDay)).toBe(BigInt(prompt.tokens) * 6n * 10n ** 9n + BigInt(answers.tokens) * 10n ** 10n)
    expect(BigInt(perDayUsed)).toBe(BigInt(perDay) / 10n)
    const text = (await cli(...args)).stdout
    expect(text).toMatch(/at the median of 2 other services of the same model on devnet\n/)
    expect(text).toMatch(
      /answers [\d.]+ tokens\/s x 86,400 s = [\d,]+ tokens, x 0\.01 0G a million = [\d.]+ 0G\n/,
    )
    expect(text).toMatch(/ 10 % sold: [\d.]+ 0G a day\n/)
    const down = await cli(
      'check',
      '--json',
      '--engine',
      'url',
      '--target',
      'http://127.0.0.1:9/v1',
      ...about(),
    )
    expect(down.code).toBe(1)
    expect(JSON.parse(down.stdout).checks).toContainEqual(
      expect.objectContaining({ name: 'engine', state: 'fail' }),
    )
  })

  it('writes a configuration that is valid, once', async () => {
    const file = join(world.dir, 'new', 'provider.yaml')
    const first = await cli(
      'init',
      file,
      '--engine',
      'url',
      '--target',
      scripted.target,
      '--price-input',
      '0.08',
    )
    expect(first).toMatchObject({ code: 0 })
    expect((await cli('price', '--config', file)).stdout).toContain('0.08 / 0.2 0G')
    const again = await cli('init', file, '--json')
    expect([again.code, JSON.parse(again.stdout).code]).toEqual([2, 'config_exists'])
    expect((await cli('init', `${file}2`, '--json', '--price-input', 'cheap')).code).toBe(2)
    for (const engine of ['embedded', 'vllm']) {
      const { code, stdout } = await cli(
        ...['init', `${file}2`, '--json', '--engine', engine, '--model', './nothing.gguf'],
      )
      expect([code, JSON.parse(stdout)]).toEqual([
        2,
        expect.objectContaining({ code: 'model_not_found', next: '0g-compute provider init --help' }),
      ])
    }
    for (const [flags, message] of [
      [['--engine', 'url'], 'engine.target is missing'],
      [['--tee', 'none', '--finetune'], 'finetune.enabled takes a TEE, and tee.kind is none'],
    ] as const) {
      const { stdout } = await cli('init', `${file}2`, '--json', ...flags)
      expect(JSON.parse(stdout)).toMatchObject({ code: 'config_invalid', message })
    }
    expect(existsSync(`${file}2`)).toBe(false)
    const demo = join('models', 'demo', 'demo.gguf')
    expect(await cli('init', `${file}2`, '--model', `./${demo}`)).toMatchObject({ code: 0 })
    expect(readFileSync(`${file}2`, 'utf8')).toContain(`  model: "${join(process.cwd(), demo)}"\n`)
  })

  it('stops it from anywhere on the machine; nobody else can read the token for that', async () => {
    expect(statSync(join(serve.dataDir, 'admin.json')).mode & 0o777).toBe(0o600)
    // With an answer in flight it does not end at once, and who does not wait for it is told.
    scripted.delayMs = 50
    const running = ask({ stream: true, max_tokens: 4000 })
    expect((await running).status).toBe(200)
    const impatient = await cli('stop', '--json', '--timeout', '1', ...about())
    expect([impatient.code, JSON.parse(impatient.stdout).code]).toEqual([1, 'provider_still_running'])
    expect(readFileSync(serve.logFile, 'utf8')).toMatch(/^Stopping: waiting for 1 request, 30 s at most; /m)
    scripted.delayMs = 0
    await (await running).text()
    await expect.poll(() => serve.child.exitCode, { timeout: 20_000 }).toBe(0)
    expect(existsSync(join(serve.dataDir, 'admin.json'))).toBe(false)
    const { code, stdout } = await cli('status', '--json', ...about())
    expect([code, JSON.parse(stdout).code]).toEqual([1, 'provider_not_running'])
    // The ledger is read without the broker.
    expect(JSON.parse((await cli('earnings', '--json', ...about())).stdout).earned).toHaveLength(1)
    serve = await startServe(world, ['--config', config, '--engine', 'url', '--target', scripted.target])
    expect(await cli('stop', ...about())).toMatchObject({ code: 0 })
    expect(serve.child.exitCode ?? serve.child.signalCode).toBe(0)
  })
})
