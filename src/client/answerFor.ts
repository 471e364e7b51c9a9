import { ChatAnswer } from './chatAnswer.ts'
import { TranscriptAnswer } from './media/transcriptAnswer.ts'
import { MessagesAnswer } from './messagesAnswer.ts'

/** Reads what an endpoint answers. @param contentType as the provider says it */
export function answerFor(endpoint: string, contentType: string | null): ChatAnswer {
  if (endpoint === '/v1/messages') return new MessagesAnswer()
  if (endpoint !== '/v1/audio/transcriptions') return new ChatAnswer()
  return new TranscriptAnswer(/\bjson\b/i.test(contentType ?? 'json'))
}
