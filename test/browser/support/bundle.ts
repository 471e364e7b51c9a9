import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { extraFolder } from '../../../scripts/extras.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

/** What a bundler finds under the package's names in a browser. */
const BROWSER_ENTRIES: Readonly<Record<string, string>> = {
  '0g-compute': 'src/browser.ts',
  '0g-compute/attestation': 'src/attestation/index.ts',
}

interface Esbuild {
  build(options: object): Promise<{ readonly outputFiles: readonly { path: string; text: string }[] }>
}

/**
 * A script and the chunks that it loads later, as a bundler makes them for a browser. Anything of Node that is left in
 * them fails the build.
 * @param code an ES module
 * @returns file names and texts; the first is the script
 */
export async function bundle(code: string, resolveDir = ROOT): Promise<ReadonlyMap<string, string>> {
  const esbuild = createRequire(join(extraFolder('browser'), 'package.json'))('esbuild') as Esbuild
  const { outputFiles } = await esbuild.build({
    stdin: { contents: code, resolveDir, sourcefile: 'page.js', loader: 'js' },
    alias: Object.fromEntries(
      Object.entries(BROWSER_ENTRIES).map(([name, path]) => [name, join(ROOT, path)]),
    ),
    bundle: true,
    format: 'esm',
    splitting: true,
    platform: 'browser',
    target: 'es2022',
    minify: true,
    outdir: join(ROOT, 'out'),
    write: false,
    logLevel: 'silent',
  })
  return new Map(outputFiles.map(({ path, text }) => [path.slice(path.lastIndexOf('/') + 1), text]))
}
