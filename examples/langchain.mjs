// LangChain.js, paid from your wallet and verified. Run: npm i 0g-compute @langchain/openai && node examples/langchain.mjs
// On a devnet (0g-compute devnet up). Elsewhere: builtInNetwork('testnet') and signerAccount(new Wallet(key)).

import { ChatOpenAI } from '@langchain/openai'
import { localDevnet, openCompute, parse0G } from '0g-compute'

const compute = await openCompute(await localDevnet())
const { apiKey, maxRetries, ...configuration } = await compute.openai({
  budget: parse0G('0.1'),
  onAnswer: ({ verdict, fee }) => console.error(`verdict: ${verdict.outcome}, fee: ${fee} neuron`),
})
const model = new ChatOpenAI({ model: 'auto', maxTokens: 24, apiKey, maxRetries, configuration })

for await (const { text } of await model.stream('What is a receipt?')) process.stdout.write(text)
process.stdout.write('\n')
await compute.close()
