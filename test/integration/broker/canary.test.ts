import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CHAT } from '../../support/brokerBench.ts'
import { type ServeProcess, startServe } from '../../support/serveProcess.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

/** A word that is nowhere else. */
const CANARY = `canary${process.pid}x${Date.now().toString(36)}`

let world: World
let serve: ServeProcess
let token: string

beforeAll(async () => {
  world = await startWorld()
  const args = [
    '--price-input',
    '0.001',
    '--price-output',
    '0.004',
    '--settle-interval',
    '3600',
    '--settle-min',
    '0',
  ]
  serve = await startServe(world, args, { ZG_PROVIDER_LOG_LEVEL: 'debug' })
  await world.fund(world.user)
  token = await tokenOf(world.user, world.provider.address)
})

afterAll(async () => {
  await serve?.stop()
  await world?.stop()
})

it('no prompt, answer or token is anywhere on the provider’s disk, logs, database or engine output', async () => {
  const answers: string[] = []
  for (const stream of [false, true]) {
    const text = await ask({ stream, messages: [{ role: 'user', content: `What is a receipt? ${CANARY}` }] })
    answers.push(...contentsOf(text))
  }
  // Everything that goes wrong quotes nothing either.
  await ask({ model: CANARY })
  await ask({ messages: CANARY })
  await ask({ messages: [{ role: CANARY, content: CANARY }] })
  await ask({ stream: true, messages: [{ role: 'user', content: CANARY.repeat(3000) }] })
  await ask({ tools: [{ type: CANARY }], messages: [] })
  await post(`{"model": "${CANARY}`)
  await fetch(`${serve.url}/v1/proxy/${CANARY}?${CANARY}`)
  await fetch(serve.url + CHAT, { method: 'POST', headers: { authorization: `Bearer app-sk-${CANARY}` } })
  await aborted()
  await fetch(`${serve.admin().url}/settle`, {
    method: 'POST',
    headers: { authorization: `Bearer ${serve.admin().token}` },
  })
  expect(answers.join('').length).toBeGreaterThan(40)
  const words = [CANARY, token, ...answers.filter((answer) => answer.length > 20)]
  expect(words.length).toBeGreaterThan(3)
  expect(hits(words)).toEqual([])
  await serve.stop()
  expect(hits(words)).toEqual([])
  // The search finds what is there.
  expect(hits([world.user.address.toLowerCase()]).length).toBeGreaterThan(0)
  expect(hits(['answered']).some((path) => path.includes('serve.log'))).toBe(true)
})

const post = async (body: string): Promise<string> => {
  const response = await fetch(serve.url + CHAT, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body,
  })
  return response.text()
}

const ask = (change: object): Promise<string> =>
  post(JSON.stringify({ model: 'demo', max_tokens: 40, temperature: 0, ...change }))

async function aborted(): Promise<void> {
  const controller = new AbortController()
  const body = JSON.stringify({
    model: 'demo',
    stream: true,
    messages: [{ role: 'user', content: `Tell me ${CANARY}` }],
  })
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(serve.url + CHAT, { method: 'POST', headers, body, signal: controller.signal })
  await response.body!.getReader().read()
  controller.abort()
}

/** Generated text of an answer, whole or as a stream. */
function contentsOf(text: string): string[] {
  if (!text.startsWith('data:')) return [JSON.parse(text).choices[0].message.content]
  const frames = text.split('\n').filter((line) => line.startsWith('data: {'))
  return [frames.map((line) => JSON.parse(line.slice(6)).choices[0]?.delta.content ?? '').join('')]
}

/** Files below the world's folder, which is the provider's whole disk, that hold one of the words. */
function hits(words: readonly string[]): string[] {
  const files = readdirSync(world.dir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  expect(files.length).toBeGreaterThan(3)
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path)
      return words.some(
        (word) => bytes.includes(word) || bytes.includes(Buffer.from(word).toString('base64').slice(0, -4)),
      )
    })
}
