// The Vercel AI SDK, paid from your wallet and verified.
// Run: npm i 0g-compute ai @ai-sdk/openai-compatible && node examples/vercel-ai.mjs
// On a devnet (0g-compute devnet up). Elsewhere: builtInNetwork('testnet') and signerAccount(new Wallet(key)).

import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { localDevnet, openCompute, parse0G } from '0g-compute'
import { streamText } from 'ai'

const compute = await openCompute(await localDevnet())
const settings = await compute.openai({
  budget: parse0G('0.1'),
  onAnswer: ({ verdict, fee }) => console.error(`verdict: ${verdict.outcome}, fee: ${fee} neuron`),
})
const provider = createOpenAICompatible({ name: '0g', ...settings })

const { textStream } = streamText({
  model: provider('auto'),
  prompt: 'What is a receipt?',
  maxOutputTokens: 24,
  // What can be tried again is tried at another provider already.
  maxRetries: 0,
})
for await (const text of textStream) process.stdout.write(text)
process.stdout.write('\n')
await compute.close()
