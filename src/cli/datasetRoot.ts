import { stat } from 'node:fs/promises'
import { AppError, EXIT } from '../base/errors.ts'
import { rootOfFile } from '../storage/merkle/rootOf.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['<file>', 'any file']],
  examples: ['0g-compute dataset root data.jsonl'],
  notes: 'The root is what 0G Storage and a task on chain know a file by. Nothing is sent.',
  async run({ out }, input) {
    const path = input.required(0)
    const progress = await out.progress(`Hashing ${path}`)
    try {
      const [root, { size }] = await Promise.all([rootOfFile(path), stat(path)])
      out.result({ path, bytes: size, root }, () => root)
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? noFile(path) : error
    } finally {
      progress.stop()
    }
    return undefined
  },
}

const noFile = (path: string) =>
  new AppError({
    code: 'file_missing',
    message: `There is no file ${path}`,
    hint: 'Name a file that exists',
    exitCode: EXIT.usage,
  })
