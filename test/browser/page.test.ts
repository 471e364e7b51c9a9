import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import type { Broker } from '../../src/provider/broker.ts'
import { startEmbeddedEngine } from '../../src/provider/engine/embedded/startEmbeddedEngine.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { startTamperProxy, type TamperProxy } from '../support/tamperProxy.ts'
import { startWorld, type World } from '../support/world.ts'
import { bundle } from './support/bundle.ts'
import { injectWallet } from './support/injectedWallet.ts'
import { type Page, type Site, startSite } from './support/site.ts'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLE = join(ROOT, 'examples/browser')

/** The official OpenAI client in a page: the wallet pays, and no key is there. */
const OPENAI = `
import { eip1193Account, openCompute, parse0G } from '0g-compute'
import OpenAI from 'openai'
globalThis.ask = async () => {
  const account = await eip1193Account(ethereum, network)
  const compute = await openCompute({ network, account })
  const verdicts = []
  const onAnswer = ({ verdict }) => verdicts.push(verdict.outcome)
  const openai = new OpenAI(await compute.openai({ budget: parse0G('0.1'), onAnswer }))
  const messages = [{ role: 'user', content: 'What is a receipt?' }]
  const stream = await openai.chat.completions.create({ model: 'auto', messages, max_tokens: 24, stream: true })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? ''
  const audit = await compute.audit()
  return { text, verdicts, charged: String(audit.charged), difference: String(audit.difference) }
}
`

let world: World
let engine: Engine
let broker: Broker
let host: TamperProxy
let site: Site

beforeAll(async () => {
  ;[world, engine, host] = await Promise.all([
    startWorld(),
    startEmbeddedEngine({ modelPath: join(ROOT, 'models/demo/demo.gguf'), logger: silentLogger }),
    startTamperProxy(),
  ])
  broker = await world.startBroker(engine)
  const page = await bundle(readFileSync(join(EXAMPLE, 'page.js'), 'utf8'), EXAMPLE)
  const client = await bundle(OPENAI)
  site = await startSite(
    new Map([
      ...client,
      ['openai.js', client.get('stdin.js')!],
      ...page,
      ['page.js', page.get('stdin.js')!],
      ['index.html', readFileSync(join(EXAMPLE, 'index.html'), 'utf8')],
      ['openai.html', '<!doctype html><script type="module" src="openai.js"></script>'],
    ]),
  )
})

afterAll(async () => {
  await site?.close()
  await world?.stop()
  await engine?.stop()
  await host?.stop()
})

const VERDICT = 'output[name=verdict]'

/** What the page says when it is done. */
const verdictOf = (page: Page): Promise<string> =>
  vi.waitFor(
    async () => {
      const text = (await page.textContent(VERDICT)) ?? ''
      expect(text).toMatch(/accepted|incomplete|rejected|failed/)
      return text
    },
    { timeout: 60_000, interval: 100 },
  )

describe('a page with a wallet', () => {
  it('buys an answer, checks it, and shows the verdict: the example', async () => {
    const { page, errors } = await site.open()
    const asked = await injectWallet(page, world, world.user)
    await page.goto(site.url)
    await page.click('button')
    expect(await verdictOf(page)).toMatch(/^accepted \(assurance: simulated\), \d+ neuron$/)
    expect(await page.textContent('output[name=answer]')).toMatch(/receipt/i)
    const steps = await page.textContent('#steps')
    for (const step of ['quote-signature', 'event-log', 'freshness', 'response-hash', 'fee'])
      expect(steps).toContain(`pass: ${step}: `)
    expect(asked).toContain('eth_sendTransaction')
    expect(errors).toEqual([])
    await page.close()
  })

  it('runs the official OpenAI client, and every neuron is explained', async () => {
    const { page, errors } = await site.open()
    await injectWallet(page, world, world.anvil.wallets[5] as HDNodeWallet)
    await page.goto(`${site.url}openai.html`)
    await vi.waitFor(async () => expect(await page.evaluate('typeof ask')).toBe('function'))
    const result = await page.evaluate<{ text: string; charged: string }>('ask()')
    expect(result).toMatchObject({ verdicts: ['accepted'], difference: '0' })
    expect(result.text).toMatch(/receipt/i)
    expect(BigInt(result.charged)).toBeGreaterThan(0n)
    expect(errors).toEqual([])
    await page.close()
  })

  it('says why nothing came: a wallet on another chain, a host that refuses pages', async () => {
    const { page } = await site.open()
    await injectWallet(page, world, world.user)
    await page.addInitScript('globalThis.network = { ...globalThis.network, chainId: 1 }')
    await page.goto(site.url)
    await page.click('button')
    expect(await verdictOf(page)).toContain('(wallet_wrong_chain)')
    await page.close()

    host.target = broker.url
    await broker.stop({ graceMs: 0 })
    broker = await world.startBroker(engine, { publicUrl: host.url })
    host.target = `http://127.0.0.1:${broker.port}`
    const refused = await site.open()
    await injectWallet(refused.page, world, world.user)
    await refused.page.goto(site.url)
    await refused.page.click('button')
    expect(await verdictOf(refused.page)).toMatch(/^failed: .*\((provider_unreachable|no_provider)\)/)
    await refused.page.close()
  })
})
