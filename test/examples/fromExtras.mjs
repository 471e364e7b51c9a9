import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { extraFolder } from '../../scripts/extras.ts'

/** What the examples import, where they are, is installed in a folder of its own. */
const parentURL = pathToFileURL(`${extraFolder('examples')}/package.json`).href
const INSTALLED = /^(ai|@ai-sdk|@langchain)(\/|$)/

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, INSTALLED.test(specifier) && isExample(context.parentURL) ? { ...context, parentURL } : context),
})

const isExample = (url) => url?.startsWith(new URL('../../examples/', import.meta.url).href) ?? false
