import type { EngineModelKind } from '../engine.ts'

/** Parent to child, once: what to load. The bearer goes this way because argv and the environment can be read by others. */
export interface LoadMessage {
  readonly type: 'load'
  readonly bearer: string
  readonly modelPath: string
  /** A LoRA adapter of the model in GGUF, applied to everything that is asked. */
  readonly adapterPath?: string | undefined
  readonly modelId: string
  /** Tokens per request; undefined takes what the model was trained on and the memory allows. */
  readonly contextSize: number | undefined
  /** Requests that are evaluated together. */
  readonly parallel: number
  /** Requests that may wait beyond those. */
  readonly queueLimit: number
  /** CPU threads of llama.cpp. */
  readonly threads: number
  readonly gpu: false | 'auto'
}

/** Parent to child: end now. */
export interface StopMessage {
  readonly type: 'stop'
}

/** Child to parent, once: it listens. */
export interface ReadyMessage {
  readonly type: 'ready'
  readonly port: number
  readonly contextLength: number
  readonly kinds: readonly EngineModelKind[]
}

/** Child to parent, once: it will not. */
export interface FailedMessage {
  readonly type: 'failed'
  readonly code: 'engine_missing' | 'model_invalid' | 'engine_memory' | 'engine_failed'
  readonly message: string
}

export type ParentMessage = LoadMessage | StopMessage
export type ChildMessage = ReadyMessage | FailedMessage
