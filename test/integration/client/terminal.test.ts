import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, type World } from '../../support/world.ts'

const PROGRAM = join(import.meta.dirname, '../../../bin/0g-compute.js')
const SESSION = `zg-${process.pid}`
const COLUMNS = 80

const hasTmux = (() => {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

const tmux = (...args: string[]): string =>
  execFileSync('tmux', ['-L', SESSION, ...args], { encoding: 'utf8' })

describe.skipIf(!hasTmux)('in a terminal of 80 columns', () => {
  let world: World
  let scripted: ScriptedEngine
  let engine: Engine
  let broker: Broker

  beforeAll(async () => {
    ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
    engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
    broker = await world.startBroker(engine)
    const env = Object.entries({ ...devnetHome(world, broker.url), NO_COLOR: '1', PS1: '$ ' })
    const set = env.flatMap(([name, value]) => ['-e', `${name}=${value}`])
    tmux('new-session', '-d', '-x', String(COLUMNS), '-y', '50', ...set, 'sh')
  })

  afterAll(async () => {
    try {
      tmux('kill-server')
    } catch {
      // it never started
    }
    await world?.stop()
    await engine?.stop()
    await scripted?.stop()
  })

  const type = (text: string) => void tmux('send-keys', text, 'Enter')
  /** With escape sequences: there are none with NO_COLOR. */
  const screen = () => tmux('capture-pane', '-p', '-e', '-S', '-500')
  const sees = (pattern: RegExp) => expect.poll(screen, { timeout: 20_000, interval: 100 }).toMatch(pattern)

  it('chat asks, answers, and ends with Ctrl-D; no line is broken', async () => {
    type(`'${process.execPath}' '${PROGRAM}' chat --model steady --max-tokens 3`)
    await sees(/\n>\s*$/)
    tmux('clear-history')
    type('hello')
    await sees(/t0 t1 t2\s[\s\S]*accepted[\s\S]*\n>\s*$/)
    type('/cost')
    await sees(/for 1 answer\./)
    // Joined, a line that the terminal had to break would be longer than the terminal.
    const lines = tmux('capture-pane', '-p', '-J', '-S', '-500').split('\n')
    const said = lines.slice(lines.findIndex((line) => line.startsWith('> hello')))
    expect(said.filter((line) => line.trimEnd().length > COLUMNS)).toEqual([])
    expect(said.join('\n')).toContain('open your account')
    tmux('send-keys', 'C-d')
    await sees(/for 1 answer\.[\s\S]*for 1 answer\.\n/)
    expect(screen()).not.toContain('\u001b[3')
  })

  it('fund status fits', async () => {
    type('clear')
    type(`'${process.execPath}' '${PROGRAM}' fund status; echo ended $?`)
    await sees(/\nended 0/)
    expect(screen()).toMatch(/^ {2}wallet {17}[\d.]+ 0G$/m)
  })
})
