import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { imagesOf } from '../../../src/attestation/compose.ts'
import { variableOf } from '../../../src/provider/config/environment.ts'
import { loadConfig } from '../../../src/provider/config/load.ts'

interface Service {
  readonly image: string
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes: readonly string[]
  readonly [setting: string]: unknown
}

const TLS = ['cert', 'key'].map((name) => ['listen', 'tls', name])

/** As compose puts variables in: `:-` is for what is not set or empty, `-` for what is not set. */
const filledIn = (text: string, given: Readonly<Record<string, string>> = {}): string =>
  text.replace(/\$\{(\w+)(:?)-([^}]*)\}/g, (_, name, orEmpty, fallback) => {
    const value = given[name]
    return value === undefined || (orEmpty && value === '') ? fallback : value
  })

const mapped = (record: Readonly<Record<string, string>>, change: (value: string) => string) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))

describe('the compose file', () => {
  const text = readFileSync('deploy/docker/compose.yaml', 'utf8')
  const { services, secrets } = parse(text) as { services: Record<string, Service>; secrets: object }
  const { broker } = services

  it('gives no container a privilege, and the broker neither root nor a writable disk', () => {
    for (const [name, service] of Object.entries(services)) {
      expect(service, name).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
      expect(service.privileged, name).toBeUndefined()
      expect(JSON.stringify(service.volumes), name).not.toContain('docker.sock')
    }
    expect(broker).toMatchObject({ read_only: true, user: '1000:1000', ulimits: { core: 0 } })
    expect(Object.keys(secrets)).toEqual(['provider_key'])
  })

  it('sets nothing that the broker does not know', () => {
    const known = new Set([
      'ZG_PRIVATE_KEY_FILE',
      ...[['listen', 'host'], ['dataDir'], ['admin', 'port'], ...TLS].map(variableOf),
    ])
    for (const name of Object.keys(broker!.environment!)) expect(known).toContain(name)
  })

  it('ends TLS in the broker, with a certificate that is mounted, unless it is told not to', () => {
    const inBroker = { listen: { tls: { cert: '/tls/cert.pem', key: '/tls/key.pem' } } }
    const configured = (given = {}) =>
      loadConfig({ env: mapped(broker!.environment!, (value) => filledIn(value, given)) })
    expect(configured()).toMatchObject(inBroker)
    expect(JSON.stringify(broker!.volumes)).toContain('./tls:/tls:ro')
    expect(configured({ TLS_CERT: '', TLS_KEY: '' }).listen).not.toHaveProperty('tls')
  })

  it('names every file that has to be there first', () => {
    const [header] = text.split('\nservices:')
    const files = [...text.split('\nservices:')[1]!.matchAll(/\.\/[\w.]+/g)].map(([path]) => path.slice(2))
    expect(files.sort()).toEqual(['key', 'prometheus.yml', 'provider.yaml', 'tls'])
    for (const file of files) expect(existsSync(`deploy/docker/${file}`) || header!.includes(file)).toBe(true)
  })

  it('has every image named by content, once the variables say so', () => {
    const digest = (name: string) => `registry.example.org/${name}@sha256:${'ab'.repeat(32)}`
    const given = Object.fromEntries(
      ['BROKER_IMAGE', 'ENGINE_IMAGE', 'PROMETHEUS_IMAGE'].map((name) => [name, digest(name.toLowerCase())]),
    )
    const measured = (file: string) => imagesOf(JSON.stringify({ docker_compose_file: file }))
    expect(measured(filledIn(text, given))).toEqual({ pinned: Object.values(given), mutable: [] })
    expect(measured(filledIn(text))!.pinned).toEqual([])
  })
})

describe('the Dockerfile', () => {
  const lines = readFileSync('deploy/docker/Dockerfile', 'utf8').split('\n')

  it('finds everything that it copies out of what the ignore file lets through', () => {
    const allowed = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    for (const path of allowed) expect(globSync(path), path).toEqual([path])
    const copied = lines.flatMap((line) => /^COPY --from=build \/src\/(\S+)/.exec(line)?.[1] ?? [])
    const made = new Set(['dist', 'node_modules'])
    for (const path of copied) if (!made.has(path)) expect(allowed).toContain(path)
    const first = lines.find((line) => line.startsWith('COPY package.json'))!
    for (const path of first.split(' ').slice(1, -1)) expect(allowed).toContain(path)
  })

  it('has the broker run as somebody else than root, and asks it for its health', async () => {
    expect(lines.indexOf('USER node')).toBeGreaterThan(
      lines.findIndex((line) => line.startsWith('RUN mkdir /data')),
    )
    let status = 200
    const server = createServer((_req, res) => void res.writeHead(status).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const env = { ZG_PROVIDER_LISTEN_PORT: String((server.address() as AddressInfo).port) }
    const healthy = () =>
      promisify(execFile)(process.execPath, ['deploy/docker/healthy.mjs'], { env }).then(
        () => true,
        () => false,
      )
    expect(await healthy()).toBe(true)
    status = 503
    expect(await healthy()).toBe(false)
    server.closeAllConnections()
    server.close()
  })
})
