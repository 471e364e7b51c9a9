import { createRequire } from 'node:module'
import type { Llama, LlamaContext, LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp'
import type { EngineModelKind } from '../../engine.ts'
import type { FailedMessage, LoadMessage } from '../messages.ts'
import { ChatTemplate } from './chatTemplate.ts'
import { SequencePool } from './sequencePool.ts'
import { StepScheduler } from './stepScheduler.ts'

type NodeLlamaCpp = typeof import('node-llama-cpp')

/** Everything that a request needs of the model. */
export interface LoadedModel {
  readonly id: string
  /** Unix seconds. */
  readonly createdSeconds: number
  readonly contextLength: number
  readonly kinds: readonly EngineModelKind[]
  readonly nodeLlamaCpp: NodeLlamaCpp
  readonly llama: Llama
  readonly model: LlamaModel
  /** Undefined where the GGUF has none: then there is no chat. */
  readonly chatTemplate: ChatTemplate | undefined
  readonly sequences: SequencePool
  readonly steps: StepScheduler
  /** Made when first asked for: it holds a context of its own. */
  embeddingContext(): Promise<LlamaEmbeddingContext>
}

/** A reason not to start that the parent turns into an `AppError`. */
export class LoadFailure extends Error {
  readonly code: FailedMessage['code']

  constructor(code: FailedMessage['code'], message: string) {
    super(message)
    this.code = code
  }
}

export async function loadModel(options: LoadMessage): Promise<LoadedModel> {
  const nodeLlamaCpp = await importNodeLlamaCpp()
  const complaints: string[] = []
  const llama = await startLlama(nodeLlamaCpp, options.gpu, complaints)
  const model = await openModel(nodeLlamaCpp, llama, options.modelPath, complaints)
  const context = await openContext(nodeLlamaCpp, model, options)
  const contextLength = Math.min(options.contextSize ?? context.contextSize, context.contextSize)
  const isEncoder = hasPooling(model)
  const chatTemplate = isEncoder ? undefined : readChatTemplate(model)
  return {
    id: options.modelId,
    createdSeconds: Math.floor(Date.now() / 1000),
    contextLength,
    kinds: isEncoder
      ? ['embedding']
      : [...(chatTemplate ? (['chat'] as const) : []), 'completion', 'embedding'],
    nodeLlamaCpp,
    llama,
    model,
    chatTemplate,
    sequences: new SequencePool(context, options.parallel, options.queueLimit),
    steps: new StepScheduler(),
    embeddingContext: once(() => openEmbeddingContext(model, contextLength, options.threads, isEncoder)),
  }
}

async function importNodeLlamaCpp(): Promise<NodeLlamaCpp> {
  try {
    return await import('node-llama-cpp')
  } catch (error) {
    if (isMissingModule(error))
      throw new LoadFailure(
        'engine_missing',
        'The embedded engine needs the package node-llama-cpp, which is not installed.',
      )
    throw error
  }
}

function isMissingModule(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}

/** Prebuilt binaries only: nothing is downloaded or compiled behind the owner's back. */
async function startLlama(
  { getLlama, LlamaLogLevel }: NodeLlamaCpp,
  gpu: false | 'auto',
  complaints: string[],
): Promise<Llama> {
  return getLlama({
    gpu,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    // Kept only until the model is loaded, to say why it was not.
    logger: (_level, message) => void (complaints.length < 20 && complaints.push(message.trim())),
  })
}

async function openModel(
  { InsufficientMemoryError }: NodeLlamaCpp,
  llama: Llama,
  modelPath: string,
  complaints: string[],
): Promise<LlamaModel> {
  try {
    return await llama.loadModel({ modelPath })
  } catch (error) {
    const reason = complaints.at(0) ?? (error instanceof Error ? error.message : String(error))
    if (error instanceof InsufficientMemoryError) throw memoryFailure(reason)
    throw new LoadFailure('model_invalid', `llama.cpp could not load ${modelPath}: ${reason}`)
  } finally {
    llama.logger = () => undefined
  }
}

async function openContext(
  { InsufficientMemoryError }: NodeLlamaCpp,
  model: LlamaModel,
  { contextSize, parallel, threads, adapterPath }: LoadMessage,
): Promise<LlamaContext> {
  const longest = model.trainContextSize
  try {
    return await model.createContext({
      sequences: parallel,
      threads,
      ...(adapterPath !== undefined && { lora: adapterPath }),
      contextSize: contextSize === undefined ? { max: longest } : Math.min(contextSize, longest),
    })
  } catch (error) {
    if (error instanceof InsufficientMemoryError) throw memoryFailure(error.message)
    throw error
  }
}

function openEmbeddingContext(
  model: LlamaModel,
  contextSize: number,
  threads: number,
  isEncoder: boolean,
): Promise<LlamaEmbeddingContext> {
  // Pooling needs all of an input in one batch.
  return model.createEmbeddingContext({ contextSize, threads, ...(isEncoder && { batchSize: contextSize }) })
}

function memoryFailure(reason: string): LoadFailure {
  return new LoadFailure('engine_memory', `There is not enough memory for the model: ${reason}`)
}

/** A model with a pooling type was made for embeddings and generates nothing. */
function hasPooling(model: LlamaModel): boolean {
  return (model.fileInfo.architectureMetadata.pooling_type ?? 0) > 0
}

function readChatTemplate(model: LlamaModel): ChatTemplate | undefined {
  const source = model.fileInfo.metadata.tokenizer.chat_template
  if (source === undefined) return undefined
  // node-llama-cpp renders Jinja with this package; taking it from there leaves nothing else to install.
  const requireThere = createRequire(import.meta.resolve('node-llama-cpp'))
  return new ChatTemplate(requireThere('@huggingface/jinja'), source, {
    bos_token: model.tokens.bosString ?? '',
    eos_token: model.tokens.eosString ?? '',
  })
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
