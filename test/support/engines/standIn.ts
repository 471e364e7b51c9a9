#!/usr/bin/env node
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

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

const adapters = args
  .slice(args.indexOf('--lora-modules') + 1)
  .filter((arg) => args.includes('--lora-modules') && /^[\w-]+=/.test(arg))
  .map((arg) => arg.slice(0, arg.indexOf('=')))
const models = [name, ...adapters].map((id) =>
  isVllm ? { id, max_model_len: 4096 } : { id, meta: { n_ctx: 2048 } },
)

createServer((req, res) => {
  const send = (status: number, body: object) =>
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (req.url === '/health') return send(200, {})
  if (req.headers.authorization !== `Bearer ${key}`) return send(401, {})
  if (req.url === '/v1/models') return send(200, { data: models })
  if (req.url === '/tokenize') return send(200, isVllm ? { count: 3 } : { tokens: [1, 2, 3] })
  send(404, {})
}).listen(Number(valueAfter('--port')), valueAfter('--host'))
