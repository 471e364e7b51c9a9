import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { COLUMNS, hasTmux, openTerminal, type Terminal } from '../../support/terminal.ts'
import { startWorld, type World } from '../../support/world.ts'

describe.skipIf(!hasTmux)('in a terminal of 80 columns', () => {
  let world: World
  let scripted: ScriptedEngine
  let engine: Engine
  let broker: Broker
  let terminal: Terminal

  beforeAll(async () => {
    ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
    engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
    broker = await world.startBroker(engine)
    terminal = openTerminal(devnetHome(world, broker.url))
  })

  afterAll(async () => {
    terminal?.close()
    await world?.stop()
    await engine?.stop()
    await scripted?.stop()
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
    expect(said.join('\n')).toContain('open your account')
    terminal.press('C-d')
    await terminal.sees(/for 1 answer\.[\s\S]*for 1 answer\.\n/)
    expect(hasColour()).toBe(false)
  })

  it.each(['fund 1', `fund 0.5 --provider PROVIDER`, 'fund status'])(
    '%s fits, without colour',
    async (command) => {
      terminal.run(`${command.replace('PROVIDER', broker.provider)}; echo ended $?`)
      await terminal.sees(/\nended 0/)
      // The command itself is longer than the terminal: what it says begins below.
      const lines = terminal.lines()
      const said = lines.slice(lines.findIndex((line) => line.endsWith('echo ended $?')) + 1)
      expect(said.length).toBeGreaterThan(1)
      expect(said.filter((line) => line.length > COLUMNS)).toEqual([])
      expect(hasColour()).toBe(false)
    },
  )
})
