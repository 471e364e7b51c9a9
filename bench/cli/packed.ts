import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Result } from '../report.ts'

const ROOT = join(import.meta.dirname, '../..')
const MB = 1024 * 1024

/** A built copy of this folder, which stays as it is: what is packed, and what is timed. */
export interface Copy {
  readonly dir: string
  /** The program in it. */
  readonly program: string
  remove(): void
}

/** Sizes in MB of 2^20 bytes: what is downloaded, without the demo model, and what a production install takes. */
export function measurePackage({ dir: copy }: Copy): Result[] {
  const dir = mkdtempSync(join(tmpdir(), '0g-pack-'))
  try {
    execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', dir], { cwd: copy, stdio: 'pipe' })
    const tarball = join(dir, globSync('*.tgz', { cwd: dir })[0]!)
    const light = withoutModel(tarball, dir)
    const { size, packages } = install(tarball, dir)
    return [
      { id: 'tarball', subject: 'ours', value: statSync(light).size / MB, unit: 'MB' },
      { id: 'install', subject: 'ours', value: size / MB, unit: 'MB' },
      { id: 'packages', subject: 'ours', value: packages, unit: 'count' },
    ]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

export function buildCopy(): Copy {
  const copy = mkdtempSync(join(tmpdir(), '0g-copy-'))
  const parts = [
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'bin',
    'src',
    'contracts',
    'models',
    'scripts',
    'LICENSE',
    'README.md',
  ]
  for (const part of parts.filter((name) => existsSync(join(ROOT, name))))
    cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: copy, stdio: 'pipe' })
  return {
    dir: copy,
    program: join(copy, 'bin/0g-compute.js'),
    remove: () => rmSync(copy, { recursive: true, force: true }),
  }
}

function withoutModel(tarball: string, dir: string): string {
  const unpacked = join(dir, 'unpacked')
  mkdirSync(unpacked)
  execFileSync('tar', ['-xzf', tarball, '-C', unpacked])
  rmSync(join(unpacked, 'package/models'), { recursive: true, force: true })
  const light = join(dir, 'light.tar.gz')
  execFileSync('tar', ['-czf', light, '-C', unpacked, 'package'])
  return light
}

/** A production install of the tarball, without the optional parts and without the demo model. */
function install(tarball: string, dir: string): { size: number; packages: number } {
  const app = join(dir, 'app')
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), '{"private":true}')
  const args = [
    'install',
    tarball,
    '--omit=dev',
    '--omit=optional',
    '--omit=peer',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ]
  execFileSync('npm', args, { cwd: app, stdio: 'pipe' })
  rmSync(join(app, 'node_modules/0g-compute/models'), { recursive: true, force: true })
  return {
    size: sizeOf(join(app, 'node_modules')),
    packages: globSync(['node_modules/**/package.json'], { cwd: app }).filter(isPackage).length,
  }
}

/** The manifest of an installed package, not one that lies inside it. */
const isPackage = (path: string): boolean =>
  /(^|[\\/])node_modules[\\/](@[^\\/]+[\\/])?[^\\/@.][^\\/]*[\\/]package\.json$/.test(path)

function sizeOf(path: string): number {
  const stats = lstatSync(path)
  if (!stats.isDirectory()) return stats.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
