import { expect, it } from 'vitest'
import { devnetHome } from '../support/devnetHome.ts'
import { COLUMNS, hasTmux, openTerminal } from '../support/terminal.ts'
import { APPROVE, clientAt, smallTask } from './clientAt.ts'
import { hasTrainer } from './provider/taskClient.ts'
import { startTuner } from './provider/tuner.ts'

it.skipIf(!hasTmux || !hasTrainer)(
  'a training is drawn in a terminal of 80 columns, without colour',
  async () => {
    const tuner = await startTuner()
    const { world, broker } = tuner
    const compute = await clientAt(world, world.dir)
    const terminal = openTerminal(devnetHome(world, broker.url))
    try {
      const { taskId } = await compute.finetune.create(smallTask(world.dir), APPROVE)
      terminal.run(`finetune status ${taskId!.slice(0, 12)} --watch; echo ended $?`)
      await terminal.sees(/\nended 0/, 240_000)
      const lines = terminal.lines()
      const drawn = lines.slice(lines.findIndex((line) => line.endsWith('echo ended $?')) + 1)
      expect(drawn.join('\n')).toMatch(/100 %[\s\S]*step \d+\/\d+ +loss/)
      expect(drawn.filter((line) => line.length > COLUMNS)).toEqual([])
      // Drawn over itself: one bar remains.
      expect(drawn.filter((line) => / \d+ %$/.test(line))).toHaveLength(1)
      expect(terminal.screen()).not.toContain('\u001b[3')
    } finally {
      terminal.close()
      await compute.close()
      await tuner.stop()
    }
  },
)
