import { expect, it } from 'vitest'
import { Input } from '../../../src/cli/framework/input.ts'
import { alike } from '../../../src/cli/provider/aboutBroker.ts'

const FLAGS = { wallet: 'gpu', network: undefined, rpc: undefined }
const OPTIONS = {
  ...{ config: './my file.yaml', engine: 'url', target: 'http://127.0.0.1:8000/v1', tee: 'none' },
  ...{ port: '3981', adminPort: '0', finetune: true, newEpoch: true },
}

it.each([
  [
    '0g-compute provider serve',
    "0g-compute provider serve --tee none --engine url --target http://127.0.0.1:8000/v1 --config './my file.yaml' --port 3981 --admin-port 0 --finetune --wallet gpu",
  ],
  [
    '0g-compute provider serve --tee simulated --finetune',
    "0g-compute provider serve --tee simulated --finetune --engine url --target http://127.0.0.1:8000/v1 --config './my file.yaml' --port 3981 --admin-port 0 --wallet gpu",
  ],
  ['0g-compute provider status', "0g-compute provider status --config './my file.yaml' --wallet gpu"],
  ['0g-compute wallet show', '0g-compute wallet show --wallet gpu'],
  [
    '0g-compute provider settle --config other.yaml',
    '0g-compute provider settle --config other.yaml --wallet gpu',
  ],
  ['0g-compute provider serve --help', '0g-compute provider serve --help'],
  ['0g-compute wallet new', '0g-compute wallet new'],
  ['0g-compute network list', '0g-compute network list'],
  ['npm install pg', 'npm install pg'],
])('%s is advised with the flags of the call that it takes', (command, expected) => {
  const flags = FLAGS as Parameters<typeof alike>[0]['flags']
  expect(alike({ flags }, new Input([], OPTIONS), command)).toBe(expected)
})
