import { ChatAnswer } from './chatAnswer.ts'

/** Reads what an endpoint answers; what chats do not need is loaded for others. @param contentType as the provider says it */
export async function answerFor(endpoint: string, contentType: string | null): Promise<ChatAnswer> {
  if (endpoint === '/v1/messages') {
    const { MessagesAnswer } = await import('./messagesAnswer.ts')
    return new MessagesAnswer()
  }
  if (endpoint === '/v1/audio/transcriptions') {
    const { TranscriptAnswer } = await import('./media/transcriptAnswer.ts')
    return new TranscriptAnswer(/\bjson\b/i.test(contentType ?? 'json'))
  }
  return new ChatAnswer()
}
