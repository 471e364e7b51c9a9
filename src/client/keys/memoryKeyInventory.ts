import type { KeyInventory, KeyRecord } from './keyInventory.ts'

/** What keys were made, for as long as the process lives. */
export function memoryKeyInventory(): KeyInventory {
  let records: readonly KeyRecord[] = []
  return {
    list: async () => records,
    change: async (change) => {
      records = change(records)
    },
  }
}
