// The SDK without any other client: text as it comes, then the answer with its verdict. Run: node examples/stream.mjs
import { localDevnet, openCompute, parse0G } from '0g-compute'

const compute = await openCompute(await localDevnet())
const chat = compute.chat(
  { messages: [{ role: 'user', content: 'What is a receipt?' }], maxTokens: 24 },
  { approve: ({ deposit }) => deposit <= parse0G('0.1') },
)
let step = await chat.next()
for (; !step.done; step = await chat.next()) process.stdout.write(step.value)
const { verdict, fee, firstTextMs } = step.value
console.log(
  `\n${verdict.outcome} (assurance: ${verdict.assurance}), ${fee} neuron, first text after ${firstTextMs} ms`,
)
await compute.close()
