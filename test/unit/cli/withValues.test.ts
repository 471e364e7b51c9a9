import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { withValues } from '../../../src/cli/provider/withValues.ts'
import { renderConfig } from '../../../src/provider/config/template.ts'

describe('prices in a configuration', () => {
  it.each([
    ['that states none', {}],
    ['that states some', { prices: { input: '0.01', output: '0.02', cachedInput: '0.005' } }],
  ])('of provider init %s change in their lines alone', (_, config) => {
    const before = renderConfig({ network: 'devnet', ...config })
    const after = withValues(before, 'prices', { input: '0.07', output: undefined })
    expect(parse(after).prices).toEqual({ ...parse(before).prices, input: '0.07' })
    const lines = before.split('\n')
    const changed = after.split('\n').filter((line, index) => line !== lines[index])
    expect(changed).toEqual(["  input: '0.07'"])
  })

  it.each([
    ['in one line', "prices: { input: '1', output: '2' }\nlisten: { port: 1 }\n"],
    ['that are not there', 'listen: { port: 1 }\n'],
    ['of nothing', 'prices:\nlisten: { port: 1 }\n'],
    ['indented otherwise', "prices:\n    output: '2'\n    input: '1'\nlisten: { port: 1 }\n"],
    ['beside another input', "finetune:\n  input: '9'\nlisten: { port: 1 }\n"],
  ])('%s are written anew', (_, before) => {
    const after = parse(withValues(before, 'prices', { input: '0.07', output: '0.3' }))
    expect(after).toEqual({ ...parse(before), prices: { input: '0.07', output: '0.3' } })
  })
})

it('fine-tuning is turned on in its line alone', () => {
  const before = renderConfig({ network: 'devnet', prices: { input: '0.01', output: '0.02' } })
  const after = withValues(before, 'finetune', { enabled: true })
  expect(parse(after).finetune).toEqual({ enabled: true })
  const lines = before.split('\n')
  expect(after.split('\n').filter((line, index) => line !== lines[index])).toEqual(['  enabled: true'])
})
