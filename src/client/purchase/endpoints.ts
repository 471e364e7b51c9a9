/** Endpoints of a broker that answers are bought at, and what a model has to be able to do there. */
export const ENDPOINTS = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completion',
  '/v1/embeddings': 'embedding',
  '/v1/messages': 'messages',
  '/v1/images/generations': 'image',
  '/v1/images/edits': 'image',
  '/v1/audio/transcriptions': 'transcription',
} as const

/** As receipts name it. */
export type Endpoint = keyof typeof ENDPOINTS

/** Asked for with a file, as multipart/form-data. */
export type FormEndpoint = '/v1/images/edits' | '/v1/audio/transcriptions'

/** Priced by the image or the second. */
export type MediaEndpoint = FormEndpoint | '/v1/images/generations'

export const isEndpoint = (path: string): path is Endpoint => Object.hasOwn(ENDPOINTS, path)

export const isForm = (endpoint: Endpoint): endpoint is FormEndpoint =>
  endpoint === '/v1/images/edits' || endpoint === '/v1/audio/transcriptions'

export const isMedia = (endpoint: Endpoint): endpoint is MediaEndpoint =>
  isForm(endpoint) || endpoint === '/v1/images/generations'
