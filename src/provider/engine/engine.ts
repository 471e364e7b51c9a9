/**
 * What serves: ours and those that the broker starts, `url` for a server that somebody else runs, `pool` for several
 * of them together.
 */
export type EngineKind = 'embedded' | 'llama-server' | 'vllm' | 'transformers' | 'url' | 'pool'

/** What a model can be asked for. */
export type EngineModelKind = 'chat' | 'completion' | 'embedding' | 'messages' | 'image' | 'transcription'

export interface EngineModel {
  readonly id: string
  /** SHA-256 (hex) of the weights that the broker hashed itself; null for an engine that it did not start. */
  readonly digest: string | null
  /** Most tokens that one request may hold, prompt and answer together. */
  readonly contextLength: number
  readonly kinds: readonly EngineModelKind[]
}

/** `restarting`: not answering now, being brought back; `stopped`: for good. */
export type EngineState = 'ready' | 'restarting' | 'stopped'

/** Folders of LoRA adapters as PEFT writes them, by the name that requests use. */
export type Adapters = Readonly<Record<string, string>>

/** The parts of a request body that decide its prompt tokens. */
export interface PromptBody {
  readonly model: string
  readonly messages?: unknown
  readonly prompt?: unknown
  readonly input?: unknown
  readonly tools?: unknown
}

/** An engine that was chosen for one request; `release` it when the answer has ended. */
export interface EngineLease {
  readonly engine: Engine
  release(): void
}

/**
 * An OpenAI-compatible server that the broker forwards to.
 *
 * `baseUrl` and `headers` change when an engine is restarted: read them for each request, never keep them.
 */
export interface Engine {
  readonly kind: EngineKind
  /** OpenAI-compatible base without a trailing slash; ends in `/v1` unless its owner configured otherwise. */
  readonly baseUrl: string
  /** Added to every forwarded request: the private bearer of a child, the configured key of a URL. */
  readonly headers: Readonly<Record<string, string>>
  /** Another list whenever they change. */
  readonly models: readonly EngineModel[]
  readonly state: EngineState

  /**
   * The exact prompt tokens of a request body. Undefined where the engine has no tokenizer endpoint, or
   * refuses the body: forwarding it then brings the engine's own reason.
   *
   * @throws AppError `engine_unreachable`
   */
  countPromptTokens(body: PromptBody): Promise<number | undefined>

  /**
   * The tokens of a text as the model would have produced it, without any special token.
   *
   * @throws AppError `engine_unreachable`
   */
  countTextTokens(model: string, text: string): Promise<number | undefined>

  /**
   * Of several engines the one for a request for this model now, but none of `except`; undefined while none is
   * ready. Absent where there is nothing to choose.
   */
  lease?(model: string, except: ReadonlySet<Engine>): EngineLease | undefined

  /**
   * Loads and unloads LoRA adapters until these are what it serves beside its model, by the name that requests use.
   * Absent where there is no such engine behind it.
   *
   * @throws AppError `adapters_unsupported`, `adapter_refused`, `model_not_found`, `engine_unreachable`
   */
  changeAdapters?(adapters: Adapters): Promise<void>

  /** Calls `listener` at each change of `state`; the returned function unsubscribes. */
  onStateChange(listener: (state: EngineState) => void): () => void

  /** Ends the engine, or the watch over one that the broker did not start. Resolves when nothing is left of it. */
  stop(): Promise<void>
}

/** What an engine reports to its owner. It never receives prompts, answers or keys. */
export interface EngineLogger {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}
