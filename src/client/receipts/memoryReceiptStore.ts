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
