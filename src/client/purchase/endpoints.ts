/** Endpoints of a broker that answers are bought at, and what a model has to be able to do there. */
export const ENDPOINTS = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completion',
  '/v1/embeddings': 'embedding',
  '/v1/images/generations': 'image',
} as const

/** As receipts name it. */
export type Endpoint = keyof typeof ENDPOINTS

export const isEndpoint = (path: string): path is Endpoint => Object.hasOwn(ENDPOINTS, path)
