/** How many prompts `/completions` is asked to go on with, each for as many tokens: texts or lists of tokens in a list. */
export const promptsIn = ({ prompt }: Readonly<Record<string, unknown>>): number =>
  Array.isArray(prompt) && prompt.some((item) => typeof item !== 'number') ? prompt.length : 1
