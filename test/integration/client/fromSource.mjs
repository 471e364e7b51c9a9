import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'

/** Where nothing is built, the package's name means its sources. */
const built = new URL('../../../dist/index.js', import.meta.url)
const source = new URL('../../../src/index.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '0g-compute' && !existsSync(built) ? { url: source, shortCircuit: true } : next(specifier, context),
})
