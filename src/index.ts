/** The SDK: `import { openCompute } from '0g-compute'`. A bundler takes `browser.ts` instead. */

export { type LocalDevnet, localDevnet } from './client/localDevnet.ts'
export { nodeRuntime } from './client/nodeRuntime.ts'
export { type OpenComputeOptions, openCompute } from './client/openCompute.ts'
export { sqliteReceiptStore } from './client/receipts/sqliteReceiptStore.ts'
export * from './sdk.ts'
