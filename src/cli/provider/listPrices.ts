/** What others ask for a model, US dollars per million tokens. */
export interface ListPrice {
  readonly model: string
  readonly seller: string
  readonly input: number
  readonly output: number
}

/** Where these come from, and when they were read. They are no offers, and nobody refreshes them. */
export const LIST_PRICES_SOURCE = {
  readOn: '2026-11-22',
  url: 'https://github.com/github/docs/blob/024f6b0f8c266054134f13dd7d122d8b80d25315/data/tables/copilot/models-and-pricing.yml',
} as const

export const LIST_PRICES: readonly ListPrice[] = [
  { model: 'GPT-5.4 nano', seller: 'OpenAI', input: 0.2, output: 1.25 },
  { model: 'GPT-5 mini', seller: 'OpenAI', input: 0.25, output: 2 },
  { model: 'GPT-5.4', seller: 'OpenAI', input: 2.5, output: 15 },
  { model: 'Claude Haiku 4.5', seller: 'Anthropic', input: 1, output: 5 },
  { model: 'Claude Sonnet 4.6', seller: 'Anthropic', input: 3, output: 15 },
  { model: 'Gemini 3.5 Flash', seller: 'Google', input: 1.5, output: 9 },
  { model: 'Kimi K2.7 Code', seller: 'Moonshot AI', input: 0.95, output: 4 },
]
