import { startScriptedEngine } from '../../test/support/scriptedEngine.ts'

// The engine in a process of its own, on a port that its successor takes over.
const engine = await startScriptedEngine(Number(process.argv[2]))
engine.delayMs = 4
process.send?.({ type: 'ready' })
