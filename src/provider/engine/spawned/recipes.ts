import { basename } from 'node:path'
import type { Adapters, EngineKind } from '../engine.ts'
import type { ServerCommand } from './serverProcess.ts'

/** Engines that are programs of their own. */
export type SpawnedKind = Extract<EngineKind, 'llama-server' | 'vllm' | 'transformers'>

export interface SpawnedOptions {
  /** GGUF file, or a folder as `transformers` publishes models. */
  readonly model: string
  /** The name that requests use; the file's or folder's name by default. */
  readonly modelId?: string
  /** Default the engine's usual name, found on the PATH. */
  readonly program?: string
  /** Tokens of one request; default what the model was trained on. */
  readonly contextSize?: number
  /** Requests that are evaluated together. */
  readonly parallel?: number
  /** llama-server: layers on the GPU; default all of them where the model fits. */
  readonly gpuLayers?: number
  /** vLLM: GPUs that share each layer, on one host; default all. */
  readonly tensorParallel?: number
  /** vLLM: groups of GPUs, or hosts, that have the layers one after another. */
  readonly pipelineParallel?: number
  /** vLLM: on the Ray cluster that this host belongs to, across hosts. */
  readonly ray?: boolean
  /** vLLM: LoRA adapters. Given, and be it empty, others can be loaded while it runs. */
  readonly adapters?: Adapters
  /** Added at the end of the command line. */
  readonly args?: readonly string[]
}

/** Where the child shall listen, the key that it shall ask for, and a folder that holds the model under its id. */
export interface Seat {
  readonly port: number
  readonly key: string
  readonly folder: string
}

const LOOPBACK = '127.0.0.1'
/** No telemetry, and no hub: the weights that are served are those that were hashed. */
const QUIET = { HF_HUB_OFFLINE: '1', HF_HUB_DISABLE_TELEMETRY: '1', DO_NOT_TRACK: '1' }

/** The name that a model has when it was given none. */
export const modelIdOf = ({ model, modelId }: SpawnedOptions): string =>
  modelId ?? basename(model).replace(/\.gguf$/i, '')

/** How each engine is started: on the loopback interface, behind a key of its own, logging no requests. */
export const RECIPES: Readonly<Record<SpawnedKind, (options: SpawnedOptions, seat: Seat) => ServerCommand>> =
  {
    /** @see https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md */
    'llama-server': (options, { port, key }) => ({
      program: options.program ?? 'llama-server',
      args: [
        ...['--model', options.model, '--alias', modelIdOf(options), '--host', LOOPBACK, '--port', `${port}`],
        ...['--no-webui', '--no-slots', '--jinja', '--log-disable'],
        ...numberFlag('--parallel', options.parallel),
        ...numberFlag('--ctx-size', options.contextSize && options.contextSize * (options.parallel ?? 1)),
        ...numberFlag('--n-gpu-layers', options.gpuLayers),
        ...(options.args ?? []),
      ],
      env: { LLAMA_API_KEY: key },
      install: 'brew install llama.cpp',
    }),
    /** @see https://docs.vllm.ai/en/stable/cli/serve.html */
    vllm: (options, { port, key }) => ({
      program: options.program ?? 'vllm',
      args: [
        ...['serve', options.model, '--served-model-name', modelIdOf(options)],
        ...['--host', LOOPBACK, '--port', `${port}`, '--no-enable-log-requests'],
        ...numberFlag('--max-model-len', options.contextSize),
        ...numberFlag('--max-num-seqs', options.parallel),
        ...numberFlag('--tensor-parallel-size', options.tensorParallel),
        ...numberFlag('--pipeline-parallel-size', options.pipelineParallel),
        ...(options.ray ? ['--distributed-executor-backend', 'ray'] : []),
        ...loraModules(options.adapters),
        ...(options.args ?? []),
      ],
      env: {
        ...{ ...QUIET, VLLM_API_KEY: key, VLLM_NO_USAGE_STATS: '1' },
        ...(options.adapters && { VLLM_ALLOW_RUNTIME_LORA_UPDATING: 'True' }),
      },
      install: 'pip install vllm',
    }),
    /** Knows no key: whoever can reach the loopback interface can ask it. @see https://huggingface.co/docs/transformers/serving */
    transformers: (options, { port, folder }) => ({
      program: options.program ?? 'transformers',
      args: [
        ...['serve', modelIdOf(options), '--host', LOOPBACK, '--port', `${port}`, '--log-level', 'error'],
        ...(options.args ?? []),
      ],
      env: QUIET,
      cwd: folder,
      install: 'pip install "transformers[serving]"',
    }),
  }

const numberFlag = (name: string, value: number | undefined): string[] =>
  value === undefined ? [] : [name, `${value}`]

function loraModules(adapters: Adapters | undefined): string[] {
  if (!adapters) return []
  const modules = Object.entries(adapters).map(([name, path]) => `${name}=${path}`)
  return ['--enable-lora', ...(modules.length > 0 ? ['--lora-modules', ...modules] : [])]
}
