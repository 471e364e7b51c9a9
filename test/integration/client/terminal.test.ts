import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/provider/broker.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { openShop, type Shop } from '../../support/shop.ts'
import { COLUMNS, hasTmux, openTerminal, type Terminal } from '../../support/terminal.ts'

describe.skipIf(!hasTmux)('in a terminal of 80 columns', () => {
  let shop: Shop
  let broker: Broker
  let terminal: Terminal

  beforeAll(async () => {
    shop = await openShop()
    broker = shop.broker
    terminal = openTerminal(devnetHome(shop.world, broker.url))
  })

  afterAll(async () => {
    terminal?.close()
    await shop?.stop()
  })

  beforeEach(() => terminal.clear())

  /** With NO_COLOR there is none. */
  const hasColour = () => terminal.screen().includes('\u001b[3')

  it('chat asks, answers, and ends with Ctrl-D; no line is broken', async () => {
    terminal.run('chat --model steady --max-tokens 3')
    await terminal.sees(/\n>\s*$/)
    terminal.type('hello')
    await terminal.sees(/t0 t1 t2\s[\s\S]*accepted[\s\S]*\n>\s*$/)
    terminal.type('/cost')
    await terminal.sees(/for 1 answer\./)
    const lines = terminal.lines()
    const said = lines.slice(lines.findIndex((line) => line.startsWith('> hello')))
    expect(said.filter((line) => line.length > COLUMNS)).toEqual([])
    expect(said.join('\n')).toContain(
      shop.world.contracts === 'ours' ? 'open your account' : 'move 1 0G from your ledger',
    )
    terminal.press('C-d')
    await terminal.sees(/for 1 answer\.[\s\S]*for 1 answer\.\n/)
    expect(hasColour()).toBe(false)
  })

  it('chat is interrupted by one Ctrl-C while an answer is waited for', async () => {
    const { scripted } = shop
    const { aborted, requests } = scripted
    const { length } = requests
    terminal.run('chat --model silent')
    await terminal.sees(/\n>\s*$/)
    terminal.type('hello')
    await expect.poll(() => requests.length).toBe(length + 1)
    terminal.press('C-c')
    await terminal.sees(/Interrupted/)
    await expect.poll(() => scripted.aborted).toBe(aborted + 1)
  })

  it.each([
    'fund 1',
    'fund 0.5 --provider PROVIDER',
    'fund status',
    'provider list',
    'provider show PROVIDER',
    'provider verify PROVIDER',
    'network show',
    'receipts audit',
    'doctor',
    'provider list --compare --usd-rate 0.5',
    'keys create one --provider PROVIDER',
    'keys list',
    'receipts list',
    // There is one: every id begins with nothing.
    'receipts show ""',
    'finetune list',
    'finetune models',
    'dataset list',
    'network list',
    'config list',
    'config list --show-origin',
    '--help',
    'infer --help',
    'help trust',
    'help environment',
    'keys create --help',
    'fund 2 --dry-run',
    'wallet show',
    'fund withdraw --all',
  ])(
    '%s fits, without colour',
    async (command) => {
      terminal.run(`${command.replace('PROVIDER', broker.provider)}; echo ended $?`)
      await terminal.sees(/\nended 0/, 120_000)
      // The command itself is longer than the terminal: what it says begins below.
      const lines = terminal.lines()
      const said = lines.slice(lines.findIndex((line) => line.endsWith('echo ended $?')) + 1)
      expect(said.length).toBeGreaterThan(1)
      // An address of the web and a key have no place to break, and are copied whole.
      expect(said.filter((line) => line.length > COLUMNS && line.includes(' '))).toEqual([])
      expect(hasColour()).toBe(false)
    },
    180_000,
  )
})
