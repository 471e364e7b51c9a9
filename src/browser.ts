/** The SDK in a browser: `import { openCompute } from '0g-compute'`, by the condition `browser` of the package. */

export { browserRuntime } from './client/browserRuntime.ts'
export { type OpenComputeOptions, openCompute } from './client/openInBrowser.ts'
export * from './sdk.ts'
