import { answerStream, answerWhole, type ChunkFormat } from '../answer.ts'
import { type EngineRequest, requireModel, sendJson } from '../engineRequest.ts'
import { optionalBoolean } from '../fields.ts'
import { chatTokens } from '../prompt.ts'

/**
 * `POST /v1/chat/completions`
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export async function chatCompletions(request: EngineRequest): Promise<void> {
  requireModel(request)
  const prompt = chatTokens(request.loaded, request.body)
  const head = {
    id: `chatcmpl-${request.id}`,
    created: Math.floor(Date.now() / 1000),
    model: request.loaded.id,
  }
  if (optionalBoolean(request.body, 'stream') === true)
    return answerStream(request, prompt, chunkFormat(head))
  const { text, finishReason, usage } = await answerWhole(request, prompt)
  const message = { role: 'assistant', content: text, refusal: null }
  const choice = { index: 0, message, logprobs: null, finish_reason: finishReason }
  sendJson(request.response, 200, { ...head, object: 'chat.completion', choices: [choice], usage })
}

function chunkFormat(head: { id: string; created: number; model: string }): ChunkFormat {
  const chunk = (choices: object[]): object => ({ ...head, object: 'chat.completion.chunk', choices })
  const choice = (delta: object, finish_reason: string | null): object[] => [
    { index: 0, delta, logprobs: null, finish_reason },
  ]
  return {
    first: () => chunk(choice({ role: 'assistant', content: '' }, null)),
    text: (text) => chunk(choice({ content: text }, null)),
    last: (finishReason) => chunk(choice({}, finishReason)),
    usage: () => chunk([]),
  }
}
