import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { NUMBER_PARAMETERS, OTHER_PARAMETERS } from '../../../../src/protocol/finetune/parameterTable.ts'

const PYTHON = resolve('.venv/bin/python')

interface Row {
  readonly name: string
  readonly type: 'int' | 'float' | 'bool' | 'str'
  readonly default: unknown
  readonly range?: readonly number[]
  readonly network?: readonly number[]
  readonly options?: readonly string[]
}

describe.skipIf(!existsSync(PYTHON))('parameters', () => {
  it('are those of the trainer, with its defaults and ranges', () => {
    const env = { ...process.env, PYTHONPATH: resolve('trainer') }
    const printed = execFileSync(PYTHON, ['-m', 'zg_trainer', 'parameters'], { env, encoding: 'utf8' })
    const theirs = (JSON.parse(printed) as { parameters: Row[] }).parameters.map(
      ({ name, type, default: usual, range, network, options }) =>
        type === 'int' || type === 'float'
          ? [
              name,
              { default: usual, range, ...(network && { network }), ...(type === 'int' && { whole: true }) },
            ]
          : [name, { default: usual, ...(options && { options }) }],
    )
    const ours = Object.entries({ ...NUMBER_PARAMETERS, ...OTHER_PARAMETERS }).map(([name, entry]) => {
      const { gap, ...rest } = entry as { gap?: unknown }
      return [name, rest]
    })
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs))
  })
})
