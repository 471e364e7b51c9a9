import { ReceiptIndex } from './receiptIndex.ts'
import { accountOf, type ReceiptAccount, type ReceiptStore } from './receiptStore.ts'

/** Receipts for as long as the process lives: for a browser page, and for tests. */
export function memoryReceiptStore(): ReceiptStore {
  const accounts = new Map<string, { account: ReceiptAccount; index: ReceiptIndex }>()
  const entry = (account: ReceiptAccount) => {
    const key = [account.chainId, account.contract, account.user, account.provider].join('/').toLowerCase()
    let found = accounts.get(key)
    if (!found) {
      found = { account, index: new ReceiptIndex() }
      accounts.set(key, found)
    }
    return found
  }
  return {
    known: async (account, seq) => entry(account).index.known(seq),
    add: async (stored) => void entry(accountOf(stored.signed)).index.add(stored),
    async addAll(all) {
      for (const stored of all) entry(accountOf(stored.signed)).index.add(stored)
    },
    async *each(account) {
      yield* entry(account).index.all
    },
    async *totals(account) {
      for (const { signed, source, outcome } of entry(account).index.all)
        yield { ...signed.receipt, source, outcome }
    },
    at: async (account, seq) =>
      entry(account)
        .index.all.map(({ signed }) => signed)
        .filter(({ receipt }) => receipt.seq === seq),
    count: async (account) => entry(account).index.all.length,
    newest: async (account) => entry(account).index.all.at(-1)?.signed ?? null,
    list: async (account) => entry(account).index.all,
    accounts: async ({ chainId, contract, user }) =>
      [...accounts.values()]
        .map(({ account }) => account)
        .filter(
          (account) =>
            account.chainId === chainId &&
            account.contract.toLowerCase() === contract.toLowerCase() &&
            account.user.toLowerCase() === user.toLowerCase(),
        ),
  }
}
