import { DatasetBook } from '../client/dataset/datasetBook.ts'
import { type CommandDefinition, WIDE } from './framework/definition.ts'

export const command: CommandDefinition = {
  options: [WIDE],
  examples: ['0g-compute dataset list', '0g-compute dataset list --json'],
  async run({ out, paths }) {
    const datasets = await new DatasetBook(paths.state).list()
    const rows = datasets.map(({ root, name, examples, place, sealedFor, at }) => [
      root,
      name,
      String(examples),
      place,
      sealedFor ?? 'anyone',
      new Date(at).toISOString().slice(0, 16).replace('T', ' '),
    ])
    const table =
      out.json || rows.length === 0
        ? ''
        : await out.table(['root', 'file', 'examples', 'place', 'readable by', 'when'], rows)
    out.result({ datasets }, () => table || 'No dataset was uploaded from this machine.')
    return undefined
  },
}
