import { describe, expect, it } from 'vitest'
import { isFineTuning } from '../../../../src/provider/finetune/api/isFineTuning.ts'
import { fineTuningRoute } from '../../../../src/provider/finetune/api/route.ts'

const USER = `0x${'aB'.repeat(20)}`
const ID = 'beb6f0d8-4660-4c62-988d-00246ce913d2'

describe('routes of fine-tuning', () => {
  it.each([
    ['GET', '/v1/quote', 'quote'],
    ['GET', '/v1/capabilities', 'capabilities'],
    ['GET', '/v1/model', 'models'],
    ['GET', '/v1/model/Qwen%2FQwen3', 'model'],
    ['GET', '/v1/model/desc/demo', 'modelDescription'],
    ['GET', '/v1/model/demo/files/tokenizer.json', 'modelFile'],
    ['GET', '/v1/task/pending', 'pending'],
    ['POST', `/v1/user/${USER}/task`, 'createTask'],
    ['GET', `/v1/user/${USER}/task?latest=true`, 'tasks'],
    ['GET', `/v1/user/${USER}/task/${ID}`, 'task'],
    ['POST', `/v1/user/${USER}/task/${ID}/cancel`, 'cancel'],
    ['GET', `/v1/user/${USER}/task/${ID}/log`, 'log'],
    ['GET', `/v1/user/${USER}/task/${ID}/events?after=3&follow=true`, 'events'],
    ['POST', `/v1/user/${USER}/task/${ID}/lora`, 'download'],
    ['POST', `/v1/user/${USER}/dataset`, 'uploadDataset'],
  ])('%s %s is %s', (method, path, name) => {
    expect(fineTuningRoute(method, `/finetune${path}`)).toMatchObject({ route: { name }, method })
  })

  it.each([
    '/v1/model/../../etc/passwd',
    '/v1/model/demo/files/..%2fconfig',
    '/v1/model/%ff',
    `/v1/user/${USER}/task/${ID}/`,
    `/v1/user/${USER}x/task`,
    `/v1/user/${USER}/task/not-a-uuid`,
    '/v1/quote/',
    '/v1/constructor',
    '//v1/quote',
  ])('nothing is at %s', (path) => {
    expect(fineTuningRoute('GET', `/finetune${path}`)).toBeNull()
  })

  it('are told from those of inference', () => {
    for (const target of [
      '/finetune/v1/quote',
      '/v1/lora/adapters',
      '/v1/lora/adapters/deploy',
      '/v1/lora/adapters?x',
    ])
      expect(isFineTuning(target)).toBe(true)
    for (const target of ['/v1/quote', '/finetunes/v1/quote', '/v1/lora/adaptersx', '/v1/proxy/models'])
      expect(isFineTuning(target)).toBe(false)
  })
})
