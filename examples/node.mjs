// The official OpenAI client, paid from your wallet and verified. Run: node examples/node.mjs
// On a devnet (0g-compute devnet up). Elsewhere: builtInNetwork('testnet') and signerAccount(new Wallet(key)).
import { localDevnet, openCompute, parse0G } from '0g-compute'
import OpenAI from 'openai'

const compute = await openCompute(await localDevnet())
const openai = new OpenAI(
  await compute.openai({
    // At most this much moves from your wallet to providers. What is not spent can be withdrawn.
    budget: parse0G('0.1'),
    onAnswer: ({ verdict, fee }) => console.error(`verdict: ${verdict.outcome}, fee: ${fee} neuron`),
  }),
)

const stream = await openai.chat.completions.create({
  model: 'auto',
  messages: [{ role: 'user', content: 'What is a receipt?' }],
  max_tokens: 24,
  stream: true,
})
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? '')
process.stdout.write('\n')
await compute.close()
