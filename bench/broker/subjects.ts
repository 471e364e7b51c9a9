import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXTRAS, extraFolder, installExtra } from '../../scripts/extras.ts'

/** Something that stands between a client and the engine, or the engine itself. */
export interface Subject {
  readonly name: string
  readonly version?: string
  /** `http://127.0.0.1:port` */
  readonly origin: string
  readonly path: string
  headers(connection: number): Record<string, string>
  /** Resident memory of all its processes, bytes. */
  memory(): number
  /** What all its processes have computed so far, seconds. */
  cpu(): number
  stop(): Promise<void>
}

/** A peer that cannot run here, and why. */
export interface Absent {
  readonly name: string
  readonly why: string
}

type Start = (enginePort: number) => Promise<Subject | Absent>

const CHAT = '/v1/chat/completions'
const JSON_BODY = { 'content-type': 'application/json' }
const START_MS = 120_000
/** Of `/proc/<pid>/stat`, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100
/** LiteLLM does not start without one. */
const MASTER_KEY = 'sk-bench'

export async function startEngine(): Promise<Subject> {
  const child = node('bench/broker/engine.ts')
  const port = Number(await firstLine(child))
  return subject('direct', child, port)
}

const httpxy: Start = (engine) => nodePeer('httpxy', ['bench/broker/peers/httpxy.ts', String(engine)])
const fastProxy: Start = (engine) =>
  nodePeer('fast-proxy', ['bench/broker/peers/fastProxy.ts', String(engine)])

const portkey: Start = async (engine) => {
  const problem = await installExtra('peers')
  if (problem) return { name: '@portkey-ai/gateway', why: problem }
  const port = await freePort()
  const script = join(extraFolder('peers'), 'node_modules/@portkey-ai/gateway/build/start-server.js')
  const child = spawn(process.execPath, [script, `--port=${port}`, '--headless'], {
    stdio: 'ignore',
    env: { ...process.env, TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
  })
  const started = subject('@portkey-ai/gateway', child, port, {
    version: EXTRAS.peers['@portkey-ai/gateway'],
    headers: {
      authorization: 'Bearer none',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `http://127.0.0.1:${engine}/v1`,
    },
  })
  return (await answers(started)) ? started : absent(started, 'it does not answer')
}

const nginx: Start = async (engine) => {
  const configuration = (port: number, folder: string) => `
daemon off; pid ${folder}/pid; error_log stderr crit; worker_processes 2;
events { worker_connections 8192; }
http {
  access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  upstream engine { server 127.0.0.1:${engine}; keepalive 512; }
  server { listen 127.0.0.1:${port}; keepalive_requests 1000000;
    location / { proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } }
}`
  return programPeer('nginx', configuration, (file) => ['-c', file])
}

const haproxy: Start = async (engine) => {
  const configuration = (port: number) => `
global
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
  option http-no-delay
listen bench
  bind 127.0.0.1:${port}
  server engine 127.0.0.1:${engine}
`
  return programPeer('haproxy', configuration, (file) => ['-f', file])
}

/** Installed by who wants the comparison: `python3 -m venv cache/litellm && cache/litellm/bin/pip install 'litellm[proxy]'`. */
const litellm: Start = async (engine) => {
  const program = 'cache/litellm/bin/litellm'
  if (!existsSync(program)) return { name: 'litellm', why: 'not installed in cache/litellm' }
  const folder = mkdtempSync(join(tmpdir(), 'zg-bench-'))
  const file = join(folder, 'config.yaml')
  writeFileSync(
    file,
    JSON.stringify({
      model_list: [
        {
          model_name: 'bench',
          litellm_params: {
            model: 'openai/bench',
            api_base: `http://127.0.0.1:${engine}/v1`,
            api_key: 'none',
          },
        },
      ],
    }),
  )
  const port = await freePort()
  const args = ['--config', file, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1']
  const child = spawn(program, args, {
    stdio: 'ignore',
    env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_MASTER_KEY: MASTER_KEY },
  })
  const version = /litellm-([\d.]+)\.dist-info/.exec(installedPython('cache/litellm'))?.[1]
  const headers = { authorization: `Bearer ${MASTER_KEY}` }
  const started = subject('litellm', child, port, { headers, ...(version && { version }) })
  return (await answers(started)) ? started : absent(started, 'it does not answer')
}

/** This broker with everything on, on SQLite or on PostgreSQL. @param program as it was built */
export const ours =
  (program: string, database: 'sqlite' | 'postgres'): Start =>
  async (engine) => {
    const child = node('bench/broker/ours.ts', program, String(engine), database)
    const { port, tokens, pid } = JSON.parse(await firstLine(child)) as OurStart
    const name = database === 'sqlite' ? 'ours' : 'ours-postgres'
    return {
      ...subject(name, child, port),
      path: '/v1/proxy/chat/completions',
      headers: (connection) => ({
        ...JSON_BODY,
        authorization: `Bearer ${tokens[connection % tokens.length]}`,
      }),
      memory: () => residentBytes(pid),
      cpu: () => cpuSeconds(pid),
    }
  }

interface OurStart {
  readonly port: number
  readonly tokens: readonly string[]
  readonly pid: number
}

export const PEERS: readonly Start[] = [httpxy, fastProxy, portkey, nginx, haproxy, litellm]

async function nodePeer(name: 'httpxy' | 'fast-proxy', args: readonly string[]): Promise<Subject | Absent> {
  const problem = await installExtra('peers')
  if (problem) return { name, why: problem }
  const child = node(...args)
  return subject(name, child, Number(await firstLine(child)), { version: EXTRAS.peers[name] })
}

async function programPeer(
  name: string,
  configuration: (port: number, folder: string) => string,
  args: (file: string) => string[],
): Promise<Subject | Absent> {
  const program = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']
    .map((folder) => join(folder, name))
    .find(existsSync)
  if (!program) return { name, why: `${name} is not installed` }
  const folder = mkdtempSync(join(tmpdir(), 'zg-bench-'))
  const port = await freePort()
  const file = join(folder, 'configuration')
  writeFileSync(file, configuration(port, folder))
  const child = spawn(program, args(file), { stdio: 'ignore' })
  const started = subject(name, child, port)
  child.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return (await answers(started)) ? started : absent(started, 'it does not answer')
}

function subject(
  name: string,
  child: ChildProcess,
  port: number,
  { version, headers = {} }: { version?: string; headers?: Record<string, string> } = {},
): Subject {
  return {
    name,
    ...(version && { version }),
    origin: `http://127.0.0.1:${port}`,
    path: CHAT,
    headers: () => ({ ...JSON_BODY, ...headers }),
    memory: () => residentBytes(child.pid as number),
    cpu: () => cpuSeconds(child.pid as number),
    stop: () => end(child),
  }
}

async function absent(started: Subject, why: string): Promise<Absent> {
  await started.stop()
  return { name: started.name, why }
}

async function answers({ origin, path, headers }: Subject): Promise<boolean> {
  const body = JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'hi' }] })
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(200)) {
    const response = await fetch(origin + path, { method: 'POST', headers: headers(0), body }).catch(
      () => null,
    )
    if (response?.ok && (await response.text()).includes('choices')) return true
  }
  return false
}

const node = (...args: string[]): ChildProcess =>
  spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`)))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await gone
  clearTimeout(timer)
}

/** Resident memory of a process and its children, from `/proc`; 0 where there is none. */
const residentBytes = (pid: number): number =>
  sumOver(pid, (one) => Number(/VmRSS:\s+(\d+) kB/.exec(read(`/proc/${one}/status`))?.[1] ?? 0) * 1024)

/** User and system time of a process and its children. */
const cpuSeconds = (pid: number): number =>
  sumOver(pid, (one) => {
    const [utime = 0, stime = 0] = read(`/proc/${one}/stat`)
      .split(') ')
      .at(-1)!
      .split(' ')
      .slice(11, 13)
      .map(Number)
    return (utime + stime) / TICKS_PER_SECOND
  })

function sumOver(pid: number, figure: (pid: number) => number): number {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean)
  return children.reduce((sum, child) => sum + sumOver(Number(child), figure), figure(pid))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function installedPython(venv: string): string {
  const lib = join(venv, 'lib')
  const [python] = existsSync(lib) ? readdirSync(lib) : []
  return python ? readdirSync(join(lib, python, 'site-packages')).join('\n') : ''
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
