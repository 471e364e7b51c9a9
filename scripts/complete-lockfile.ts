import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Adds to `package-lock.json` the packages for other platforms that npm left out because the registry in use does
 * not carry them. `npm ci` insists on an entry for each of them, and installs none that does not fit.
 * Run it after every change of dependencies.
 */
interface Entry {
  readonly version?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

const FILE = 'package-lock.json'
const lock = JSON.parse(readFileSync(FILE, 'utf8')) as { packages: Record<string, Entry> }
const added: string[] = []

for (const [parentPath, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (isResolved(parentPath, name) || !/^\d/.test(version)) continue
    const path = `node_modules/${name}`
    const { dev, devOptional } = parent
    lock.packages[path] = {
      version,
      ...platformOf(name),
      optional: true,
      ...(dev && { dev }),
      ...(devOptional && { devOptional }),
    }
    added.push(name)
  }
}

const { '': root, ...rest } = lock.packages
lock.packages = {
  '': root!,
  ...Object.fromEntries(Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1))),
}
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} packages for other platforms added`)

/** As Node resolves: in the parent's own folder, or in one above it. */
function isResolved(parentPath: string, name: string): boolean {
  for (let base = parentPath; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${base ? `${base}/` : ''}node_modules/${name}`]) return true
    if (!base) return false
  }
}

/** Names of such packages say what they are for. */
function platformOf(name: string): { os?: string[]; cpu?: string[]; libc?: string[] } {
  const words = new Set(name.split(/[/-]/))
  const pick = (table: Record<string, string>) => Object.entries(table).find(([word]) => words.has(word))?.[1]
  const os = pick({
    darwin: 'darwin',
    mac: 'darwin',
    win32: 'win32',
    win: 'win32',
    linux: 'linux',
    android: 'android',
    freebsd: 'freebsd',
    openharmony: 'openharmony',
  })
  const cpu = pick({
    arm64: 'arm64',
    x64: 'x64',
    amd64: 'x64',
    armv7l: 'arm',
    arm: 'arm',
    ia32: 'ia32',
    riscv64: 'riscv64',
    ppc64: 'ppc64',
    s390x: 's390x',
    wasm32: 'wasm32',
  })
  const libc = pick({ musl: 'musl', gnu: 'glibc' })
  return { ...(os && { os: [os] }), ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }) }
}
