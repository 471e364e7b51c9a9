import type { Address } from '../../../base/hex.ts'
import { emptyAccount, type UserAccount } from '../account.ts'
import { rowTampered } from '../errors.ts'
import type { SeenAccount, UserTotals } from '../ledger.ts'
import { owedOf } from '../owed.ts'
import { accountOfRow, assertOpenCount, settlementOf } from '../rows.ts'
import type { RowSeal } from '../seal.ts'
import type { StoredSettlement } from '../settlements.ts'
import type { LedgerIdentity, SettlementRow, UserRow } from '../tables.ts'

/** What the ledger keeps of a user in memory. */
export interface Held {
  account: UserAccount
  /** As far as receipts are on disk. Neuron. */
  durable: { readonly seq: number; readonly charged: bigint }
  /** Those about which the last word is not said, by nonce. */
  readonly settlements: Map<bigint, StoredSettlement>
  /** Why nothing is done for this user. */
  fault: Error | null
}

/** The state of every user, loaded at start; later it is the memory that counts, and the disk follows. */
export class Users {
  readonly #held = new Map<Address, Held>()

  constructor(
    { seal, identity }: { readonly seal: RowSeal; readonly identity: LedgerIdentity },
    users: readonly UserRow[],
    settlements: readonly SettlementRow[],
  ) {
    for (const row of users) this.#load(row.user, (held) => setAccount(held, accountOfRow(seal, row)))
    for (const row of settlements) {
      this.#load(row.user, (held) => {
        const settlement = settlementOf(seal, identity.provider, row)
        held.settlements.set(settlement.entry.nonce, settlement)
      })
    }
    for (const held of this.#held.values()) {
      this.#load(held.account.user, () => assertOpenCount(held.account, [...held.settlements.values()]))
    }
  }

  /**
   * The state of a user; a new one when there is none yet.
   * @throws AppError `ledger_row_tampered`
   */
  get(address: Address): Held {
    const held = this.#find(address)
    if (held.fault) throw held.fault
    return held
  }

  /** Reads without leaving a trace: anybody may ask for any address. */
  totals(address: Address): UserTotals {
    const user = address.toLowerCase() as Address
    const held = this.#held.get(user)
    if (held?.fault) throw held.fault
    return { user, charged: held?.account.charged ?? 0n, paid: held?.account.paid ?? 0n }
  }

  owed(address: Address, seen: SeenAccount): bigint {
    const user = address.toLowerCase() as Address
    const held = this.#held.get(user)
    if (held?.fault) throw held.fault
    return owedOf(held?.account ?? emptyAccount(user), held?.settlements.values() ?? [], seen)
  }

  lastNonce = (address: Address): bigint =>
    this.#held.get(address.toLowerCase() as Address)?.account.lastNonce ?? 0n

  openOf = (address: Address): StoredSettlement | null =>
    openIn(this.#held.get(address.toLowerCase() as Address)).at(-1) ?? null

  /** Of users whose rows are sound. */
  allOpen = (): StoredSettlement[] => this.sound().flatMap(openIn)

  allDone = (): StoredSettlement[] =>
    this.sound().flatMap(({ settlements }) =>
      [...settlements.values()].filter(({ state }) => state === 'done'),
    )

  sound = (): Held[] => [...this.#held.values()].filter(({ fault }) => !fault)

  /** One user, if its rows are sound; null when it is unknown too. */
  soundOf(address: Address): Held | null {
    const held = this.#held.get(address.toLowerCase() as Address)
    return held && !held.fault ? held : null
  }

  faults = (): Error[] => [...this.#held.values()].flatMap(({ fault }) => fault ?? [])

  #find(address: Address): Held {
    const user = address.toLowerCase() as Address
    let held = this.#held.get(user)
    if (!held) {
      held = {
        account: emptyAccount(user),
        durable: { seq: 0, charged: 0n },
        settlements: new Map(),
        fault: null,
      }
      this.#held.set(user, held)
    }
    return held
  }

  #load(user: Address, load: (held: Held) => void): void {
    const held = this.#find(user)
    try {
      load(held)
    } catch (error) {
      held.fault = error instanceof Error ? error : rowTampered('user', user)
    }
  }
}

function setAccount(held: Held, account: UserAccount): void {
  held.account = account
  held.durable = { seq: account.lastSeq, charged: account.charged }
}

const openIn = (held: Held | undefined): StoredSettlement[] =>
  [...(held?.settlements.values() ?? [])]
    .filter(({ state }) => state === 'open')
    .sort((a, b) => (a.entry.nonce < b.entry.nonce ? -1 : 1))
