import { describe, expect, it } from 'vitest'
import type { Engine, EngineModel, EngineState } from '../../../src/provider/engine/engine.ts'
import { PooledEngine } from '../../../src/provider/engine/pooledEngine.ts'
import { StateCell } from '../../../src/provider/engine/stateCell.ts'

function engineOf(name: string, change: Partial<EngineModel> = {}) {
  const cell = new StateCell('ready')
  const model: EngineModel = {
    id: 'm',
    digest: 'a'.repeat(64),
    contextLength: 100,
    kinds: ['chat'],
    ...change,
  }
  const engine: Engine = {
    kind: 'url',
    baseUrl: `http://${name}/v1`,
    headers: {},
    models: [model],
    get state() {
      return cell.current
    },
    countPromptTokens: async () => 1,
    countTextTokens: async () => 1,
    onStateChange: (listener) => cell.subscribe(listener),
    stop: async () => cell.set('stopped'),
  }
  return Object.assign(engine, { set: (state: EngineState) => cell.set(state) })
}

const leased = (pool: PooledEngine, model = 'm') => pool.lease(model, new Set())?.engine.baseUrl

describe('a pool of engines', () => {
  it('promises of a model only what each of its engines keeps', () => {
    const [a, b] = [
      engineOf('a'),
      engineOf('b', { contextLength: 50, digest: null, kinds: ['chat', 'completion'] }),
    ]
    expect(new PooledEngine([a, b]).models).toEqual([
      { id: 'm', digest: null, contextLength: 50, kinds: ['chat'] },
    ])
  })

  it('refuses two weights under one name', () => {
    const pool = () => new PooledEngine([engineOf('a'), engineOf('b', { digest: 'b'.repeat(64) })])
    expect(pool).toThrow(expect.objectContaining({ code: 'engines_disagree' }))
  })

  it('gives nothing to an engine that restarts, and says so when none is left', () => {
    const [a, b] = [engineOf('a'), engineOf('b')]
    const pool = new PooledEngine([a, b])
    const states: EngineState[] = []
    pool.onStateChange((state) => states.push(state))
    a.set('restarting')
    expect([leased(pool), leased(pool)]).toEqual(['http://b/v1', 'http://b/v1'])
    expect(pool.baseUrl).toBe('http://b/v1')
    b.set('restarting')
    expect(leased(pool)).toBeUndefined()
    a.set('ready')
    expect(leased(pool)).toBe('http://a/v1')
    expect(states).toEqual(['restarting', 'ready'])
  })

  it('counts a lease once, however often it is released', () => {
    const [a, b] = [engineOf('a'), engineOf('b')]
    const pool = new PooledEngine([a, b])
    const lease = pool.lease('m', new Set())!
    expect([pool.inFlight(a), pool.inFlight(b)]).toEqual([1, 0])
    expect(leased(pool)).toBe('http://b/v1')
    lease.release()
    lease.release()
    expect([pool.inFlight(a), pool.inFlight(b)]).toEqual([0, 1])
    expect(leased(pool, 'another')).toBeUndefined()
  })

  it('stops all of them', async () => {
    const [a, b] = [engineOf('a'), engineOf('b')]
    const pool = new PooledEngine([a, b])
    await pool.stop()
    expect([a.state, b.state, pool.state]).toEqual(['stopped', 'stopped', 'stopped'])
  })
})
