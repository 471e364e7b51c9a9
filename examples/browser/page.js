// A page that buys an answer with the visitor's wallet and checks it. Bundle it, for example:
// npx esbuild examples/browser/page.js --bundle --format=esm --outfile=page.js
import { builtInNetwork, eip1193Account, openCompute, parse0G } from '0g-compute'

const form = document.querySelector('form')
const show = (name, text) => {
  document.querySelector(`output[name=${name}]`).textContent = text
}

let compute

/** Connects the wallet when it is first needed; browsers want a click for that. */
async function connect() {
  // A test or a devnet may say which network; otherwise it is the testnet.
  const network = window.network ?? builtInNetwork('testnet')
  const account = await eip1193Account(window.ethereum, network)
  return openCompute({ network, account })
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  show('verdict', 'asking')
  try {
    compute ??= await connect()
    const chat = compute.chat(
      { messages: [{ role: 'user', content: form.question.value }], maxTokens: 24 },
      // What is not spent stays yours. The wallet asks for each transaction as well.
      { approve: ({ deposit }) => deposit <= parse0G('0.1') },
    )
    let text = ''
    let step = await chat.next()
    for (; !step.done; step = await chat.next()) {
      text += step.value
      show('answer', text)
    }
    const { verdict, fee } = step.value
    const items = verdict.steps.map(({ name, result, detail }) => {
      const item = document.createElement('li')
      item.textContent = `${result}: ${name}: ${detail}`
      return item
    })
    document.querySelector('#steps').replaceChildren(...items)
    show('verdict', `${verdict.outcome} (assurance: ${verdict.assurance}), ${fee} neuron`)
  } catch (error) {
    // Every failure has a code, a message and, mostly, a hint.
    show('verdict', `failed: ${error.message} (${error.code}). ${error.hint ?? ''}`)
  }
})
