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

/** Sizes in MB of 2^20 bytes: what is downloaded, without the demo model, and what a production install takes. */
export function measurePackage(): Result[] {
  const dir = mkdtempSync(join(tmpdir(), '0g-pack-'))
  try {
    const tarball = pack(dir)
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

/** Builds and packs a copy: this folder stays as it is. */
function pack(dir: string): string {
  const copy = join(dir, 'copy')
  mkdirSync(copy)
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
  const options = { cwd: copy, stdio: 'pipe' as const }
  execFileSync(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
    options,
  )
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', dir], options)
  return join(dir, globSync('*.tgz', { cwd: dir })[0]!)
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
