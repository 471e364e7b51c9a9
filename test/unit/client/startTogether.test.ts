import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, it } from 'vitest'

const dir = mkdtempSync(join(tmpdir(), 'zg-together-'))
const ROUNDS = 10

afterAll(() => rmSync(dir, { recursive: true }))

/** What a proxy opens when it starts, each time that it is told where. */
const SCRIPT = `
  import { createInterface } from 'node:readline'
  import { SpendBook } from 'SOURCES/client/proxy/spendBook.ts'
  import { openProxyToken } from 'SOURCES/client/proxy/proxyToken.ts'
  console.log('ready')
  for await (const folder of createInterface({ input: process.stdin })) {
    const { token } = await openProxyToken(folder + '/token', false)
    const book = await SpendBook.open(folder + '/spent.json', 1n).then(() => 'opened', ({ code }) => code)
    console.log(JSON.stringify({ token, book }))
  }`

function startProxy() {
  const script = SCRIPT.replaceAll('SOURCES', new URL('../../../src/', import.meta.url).href)
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    said: async () => (await lines.next()).value as string,
    tell: (folder: string) => void child.stdin.write(`${folder}\n`),
    end: async () => {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

it('two proxies that start together have one token, and one of them the spending book', async () => {
  const proxies = [startProxy(), startProxy()]
  const answers = () => Promise.all(proxies.map((proxy) => proxy.said()))
  expect(await answers()).toEqual(['ready', 'ready'])
  for (let round = 0; round < ROUNDS; round++) {
    for (const proxy of proxies) proxy.tell(join(dir, `${round}`))
    const [first, second] = (await answers()).map((line) => JSON.parse(line))
    expect(second.token).toBe(first.token)
    expect([first.book, second.book].sort()).toEqual(['opened', 'spend_book_in_use'])
  }
  for (const proxy of proxies) await proxy.end()
})
