import { expect, it } from 'vitest'
import { interrupted } from '../../../src/cli/framework/interrupted.ts'

it.each([
  [
    'finetune create',
    [
      '--model',
      '0g-compute-demo',
      '--dataset',
      './my facts.jsonl',
      '--param',
      'lora_rank=16,seed=1',
      '--wait',
    ],
    "0g-compute finetune create --model 0g-compute-demo --dataset './my facts.jsonl' --param lora_rank=16,seed=1 --wait",
  ],
  ['finetune download', ['beb6f0d8'], '0g-compute finetune download beb6f0d8'],
  ['provider leave', ['--wait', '--wallet', 'gpu'], '0g-compute provider leave --wait --wallet gpu'],
  // No prompt in an error.
  ['infer', ['a secret'], '0g-compute infer'],
  ['fund withdraw', ['--all'], '0g-compute fund status'],
])('%s, cut off by Ctrl-C, says what goes on', (name, argv, next) => {
  expect(interrupted({ name }, argv)).toMatchObject({ code: 'interrupted', next, exitCode: 130 })
})
