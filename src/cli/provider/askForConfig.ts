import { toAppError } from '../../base/errors.ts'
import type { ConfiguredEngine, ProviderConfig } from '../../provider/config/config.ts'
import { DEFAULT_PRICES } from '../../provider/config/resolve.ts'
import { findModel } from './findModel.ts'

interface Answers {
  readonly kind: string
  readonly target?: string
  readonly model?: string
  readonly host: string
  readonly port: number
  readonly url: string
  readonly input: string
  readonly output: string
}

/** Asks for what the flags leave open. */
export async function askForConfig(given: ProviderConfig): Promise<ProviderConfig> {
  const { default: inquirer } = await import('inquirer')
  const ask = inquirer.createPromptModule({ input: process.stdin, output: process.stderr })
  const { engine = {}, listen = {}, prices = {} } = given
  const isModel = (engine: ConfiguredEngine) =>
    findModel(engine).then(
      () => true,
      (thrown: unknown) => toAppError(thrown).message,
    )
  const isUrl = (text: string) => /^https?:\/\/./.test(text) || 'An address like https://gpu.example.org'
  const isAmount = (text: string) => /^\d+(\.\d{1,12})?$/.test(text) || 'A number like 0.05'
  const answers = await ask<Answers>(
    [
      {
        type: 'select',
        name: 'kind',
        message: 'Which engine?',
        choices: [
          { name: 'embedded: llama.cpp in this process, nothing to install', value: 'embedded' },
          { name: 'vllm: started here, on all GPUs; has to be installed', value: 'vllm' },
          { name: 'llama-server: started here; has to be installed', value: 'llama-server' },
          {
            name: 'transformers: transformers serve, started here; has to be installed',
            value: 'transformers',
          },
          { name: 'url: a server that runs already (vLLM, llama-server, SGLang, …)', value: 'url' },
        ],
      },
      {
        type: 'input',
        name: 'target',
        message: 'Its address',
        default: 'http://127.0.0.1:8000/v1',
        when: ({ kind }: Partial<Answers>) => kind === 'url',
        validate: isUrl,
      },
      {
        type: 'input',
        name: 'model',
        message: 'GGUF file of the model (empty: the demo model)',
        when: ({ kind }: Partial<Answers>) => kind === 'embedded',
        validate: (path: string) => path === '' || isModel({ kind: 'embedded', model: path }),
      },
      {
        type: 'input',
        name: 'model',
        message: 'GGUF file, or folder with safetensors',
        when: ({ kind }: Partial<Answers>) => kind !== 'embedded' && kind !== 'url',
        validate: (path: string, { kind = 'embedded' }: Partial<Answers>) => isModel({ kind, model: path }),
      },
      {
        type: 'input',
        name: 'host',
        message: 'Address to listen on (0.0.0.0 lets others in)',
        default: '127.0.0.1',
      },
      { type: 'number', name: 'port', message: 'Port', default: 3080 },
      {
        type: 'input',
        name: 'url',
        message: 'Public URL (empty: where it listens)',
        validate: (url: string) => url === '' || isUrl(url),
      },
      {
        type: 'input',
        name: 'input',
        message: '0G per million prompt tokens',
        default: DEFAULT_PRICES.input,
        validate: isAmount,
      },
      {
        type: 'input',
        name: 'output',
        message: '0G per million answer tokens',
        default: DEFAULT_PRICES.output,
        validate: isAmount,
      },
    ],
    { ...engine, ...listen, ...prices } as Partial<Answers>,
  )
  const { kind, target, model, host, port, url, input, output } = answers
  return {
    ...given,
    engine: { kind, ...(target && { target }), ...(model && { model }) },
    listen: { host, port, ...(url && { url }) },
    prices: { input, output },
  }
}
