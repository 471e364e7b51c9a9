import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'

/** podman or docker, with options of its own before the command; the base image; options of building and of running. */
const words = (name: string): string[] => (process.env[name] ?? '').split(' ').filter(Boolean)
const [program = 'docker', ...global] = words('ZG_CONTAINER')
const IMAGE = 'localhost/0g-compute-test'

const run = (...args: string[]) =>
  promisify(execFile)(program, [...global, ...args], { maxBuffer: 2 ** 26 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) =>
      ({ code, stdout, stderr }) as { code: number; stdout: string; stderr: string },
  )

/** As the compose file runs it: nobody, nowhere to write but /data and /tmp, no privileges, and here no network. */
const HARD = [
  '--read-only',
  '--tmpfs',
  '/tmp:size=64m,mode=1777,noexec',
  '--user',
  '1000:1000',
  '--cap-drop',
  'ALL',
]
const inContainer = (...args: string[]) =>
  run(
    'run',
    '--rm',
    ...HARD,
    '--security-opt',
    'no-new-privileges',
    '--network',
    'none',
    ...words('ZG_CONTAINER_RUN'),
    ...args,
  )

beforeAll(async () => {
  const base = `NODE_IMAGE=${process.env.ZG_NODE_IMAGE}`
  const options = [
    '--build-arg',
    base,
    '-f',
    'deploy/docker/Dockerfile',
    '-t',
    IMAGE,
    ...words('ZG_CONTAINER_BUILD'),
  ]
  const { code, stderr } = await run('build', ...options, '.')
  expect(code, stderr.slice(-2000)).toBe(0)
})

it('answers, as nobody, and can write nowhere in the image', async () => {
  expect((await inContainer(IMAGE, '--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const script = 'id -u; touch /app/x || echo refused; ls -a /app; grep CapEff /proc/self/status'
  const { stdout } = await inContainer('--entrypoint', 'sh', IMAGE, '-c', script)
  expect(stdout).toMatch(/^1000\nrefused\n/)
  expect(stdout).toMatch(/CapEff:\s*0{16}/)
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(['bin', 'dist', 'node_modules']))
  expect(stdout).not.toMatch(/^(src|test|\.git|\.npmrc)$/m)
})

it('has an engine and PostgreSQL, and no tools of development', async () => {
  const packages = "['node-llama-cpp','pg'].map((name) => import.meta.resolve(name)); console.log('there')"
  const { stdout } = await inContainer('--entrypoint', 'node', IMAGE, '--input-type=module', '-e', packages)
  expect(stdout).toBe('there\n')
  const { code } = await inContainer('--entrypoint', 'test', IMAGE, '-e', '/app/node_modules/vitest')
  expect(code).toBe(1)
})

it('loads the demo model and measures it', async () => {
  const { stdout } = await inContainer(IMAGE, 'provider', 'check', '--network', 'testnet', '--json')
  expect(JSON.parse(stdout).checks).toContainEqual(
    expect.objectContaining({
      name: 'engine',
      state: 'pass',
      text: expect.stringContaining('embedded: demo'),
    }),
  )
})
