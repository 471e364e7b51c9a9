#!/usr/bin/env node
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'

/**
 * A stand-in for llama-server and vLLM, which are not on this machine: takes their command lines, says in a file what
 * it was started with, and serves what the broker asks of either. It proves how they are started and watched, and
 * nothing of how they answer.
 */
const args = process.argv.slice(2)
const valueAfter = (flag: string): string | undefined => {
  const at = args.indexOf(flag)
  return at < 0 ? undefined : args[at + 1]
}
const isVllm = args[0] === 'serve'
const key = process.env.VLLM_API_KEY ?? process.env.LLAMA_API_KEY
const name = valueAfter(isVllm ? '--served-model-name' : '--alias') ?? ''
const report = process.env.TMPDIR && `${process.env.TMPDIR}/stand-in.json`
if (report) writeFileSync(report, JSON.stringify({ args, env: Object.keys(process.env) }))
if (name === 'broken') {
  console.error('CUDA out of memory')
  process.exit(3)
}

const adapters = new Map(
  args
    .slice(args.indexOf('--lora-modules') + 1)
    .filter((arg) => args.includes('--lora-modules') && /^[\w-]+=/.test(arg))
    .map((arg) => arg.split('=') as [string, string]),
)
/** Of an adapter vLLM says whose it is, and no context length. */
const models = () => [
  isVllm ? { id: name, max_model_len: 4096 } : { id: name, meta: { n_ctx: 2048 } },
  ...[...adapters].map(([id, root]) => ({ id, root, parent: name, max_model_len: null })),
]

/** @see https://docs.vllm.ai/en/latest/features/lora/ */
function changeAdapters(
  url: string,
  { lora_name: id = '', lora_path: path = '' },
): [number, object | string] {
  if (process.env.VLLM_ALLOW_RUNTIME_LORA_UPDATING !== 'True' || !args.includes('--enable-lora'))
    return [404, { detail: 'Not Found' }]
  if (url.endsWith('/unload_lora_adapter'))
    return adapters.delete(id) ? [200, `Success: LoRA adapter '${id}' removed successfully.`] : [404, {}]
  if (adapters.has(id))
    return [400, { error: { message: `The lora adapter '${id}' has already been loaded.` } }]
  if (!existsSync(join(path, 'adapter_config.json')))
    return [404, { error: { message: `No adapter found for ${path}` } }]
  adapters.set(id, path)
  return [200, `Success: LoRA adapter '${id}' added successfully.`]
}

createServer((req, res) => {
  const send = (status: number, body: object) =>
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (req.url === '/health') return send(200, {})
  if (req.headers.authorization !== `Bearer ${key}`) return send(401, {})
  if (req.url === '/v1/models') return send(200, { data: models() })
  if (isVllm && /^\/v1\/(un)?load_lora_adapter$/.test(req.url ?? ''))
    return void json(req).then((body) => {
      const [status, answer] = changeAdapters(req.url!, body as object)
      res.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    })
  if (req.url === '/tokenize') return send(200, isVllm ? { count: 3 } : { tokens: [1, 2, 3] })
  send(404, {})
}).listen(Number(valueAfter('--port')), valueAfter('--host'))
