import { AppError, EXIT, toAppError } from '../base/errors.ts'
import type { Answer } from './answer.ts'
import type { FundingPlan } from './funding/fundingPlan.ts'
import { type Buyer, errorReply, Gateway, type GatewayOptions, type GatewayReply } from './gateway/gateway.ts'

export interface OpenAiOptions extends Omit<GatewayOptions, 'hooks'> {
  /**
   * The most, in neuron, that may be moved to providers for these answers, all together. Without it and without
   * `approve` nothing is moved: answers are paid from what lies at providers already.
   */
  readonly budget?: bigint
  /** Decides on each plan that moves money, instead of `budget`. */
  readonly approve?: (plan: FundingPlan) => Promise<boolean> | boolean
  /** Refuse answers of which something could not be checked; otherwise only those that contradict their proof. */
  readonly requireAccepted?: boolean
}

/** For `new OpenAI(…)`, and with a name for `createOpenAICompatible({ name, … })` of the Vercel AI SDK. */
export interface OpenAiSettings {
  readonly baseURL: string
  readonly apiKey: string
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  /** What can be tried again is tried here, at another provider. */
  readonly maxRetries: 0
  /** No key is in the page: the wallet signs. */
  readonly dangerouslyAllowBrowser: true
}

/** Never looked up: requests are answered before they leave. */
const BASE_URL = 'https://0g-compute.invalid/v1'

/** Settings that make an OpenAI client pay for, authenticate and verify what it asks. */
export function openAiSettings(buyer: Buyer, options: OpenAiOptions = {}): OpenAiSettings {
  const gateway = new Gateway(buyer, {
    ...options,
    hooks: { approve: options.approve ?? withinBudget(options.budget ?? 0n) },
    onAnswer: (answer) => {
      options.onAnswer?.(answer)
      if (options.requireAccepted) assertAccepted(answer)
    },
  })
  return {
    baseURL: BASE_URL,
    apiKey: 'the-wallet-signs',
    fetch: (input, init) => serve(gateway, new Request(input, init), signalOf(input, init)),
    maxRetries: 0,
    dangerouslyAllowBrowser: true,
  }
}

/** Approves plans until they have moved this much to providers, neuron. */
export function withinBudget(budget: bigint): (plan: FundingPlan) => boolean {
  let left = budget
  return ({ transfer }) => {
    if (transfer > left) return false
    left -= transfer
    return true
  }
}

/** The caller's own: that of a copy of its request may be forgotten together with the copy, while the answer still comes. */
const signalOf = (input: string | URL | Request, init?: RequestInit): AbortSignal | undefined =>
  init?.signal ?? (input instanceof Request ? input.signal : undefined)

async function serve(gateway: Gateway, request: Request, signal?: AbortSignal): Promise<Response> {
  try {
    const idempotencyKey = request.headers.get('idempotency-key')
    const reply = await gateway.serve({
      method: request.method,
      path: new URL(request.url).pathname,
      body: new Uint8Array(await request.arrayBuffer()),
      contentType: request.headers.get('content-type') ?? '',
      ...(idempotencyKey !== null && { idempotencyKey }),
      ...(signal && { signal }),
    })
    return toResponse(reply)
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    return toResponse(errorReply(error))
  }
}

const toResponse = ({ status, headers, body }: GatewayReply): Response => {
  const isWhole = typeof body === 'string' || body instanceof Uint8Array
  return new Response(isWhole ? (body as BodyInit) : streamOf(body), { status, headers: { ...headers } })
}

/** The pieces as a stream; it fails with the `AppError` where the answer broke off or was rejected. */
function streamOf(pieces: AsyncGenerator<Uint8Array, Answer>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      try {
        const step = await pieces.next()
        if (step.done) controller.close()
        else controller.enqueue(step.value)
      } catch (error) {
        controller.error(toAppError(error))
      }
    },
    async cancel() {
      await pieces.return(undefined as never)
    },
  })
}

function assertAccepted({ verdict, id, provider }: Answer): void {
  if (verdict.outcome !== 'incomplete') return
  const open = verdict.steps.filter(({ result }) => result === 'skipped').map(({ detail }) => detail)
  throw new AppError({
    code: 'answer_incomplete',
    message: `The answer could not be checked in full: ${open.join('; ')}`,
    hint: 'Nothing contradicts its proof. Without requireAccepted it is let through',
    next: '0g-compute receipts audit',
    exitCode: EXIT.incomplete,
    status: 502,
    details: { id, provider },
  })
}
