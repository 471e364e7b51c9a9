import type { Address } from '../../../base/hex.ts'
import { adopt, type Move, openSettlement } from '../account.ts'
import { dueOf, PAGE } from '../due.ts'
import type { Unsettled } from '../ledger.ts'
import { settlementRow, userRow } from '../rows.ts'
import type { RowSeal } from '../seal.ts'
import {
  type Due,
  type NewSettlement,
  type SettlementKey,
  type SettlementState,
  SettlementSteps,
  type Settlements,
  type StoredSettlement,
} from '../settlements.ts'
import type { GroupCommit } from './groupCommit.ts'
import type { LedgerReader } from './reader.ts'
import { type Write, write } from './statements.ts'
import type { Held, Users } from './users.ts'

interface Parts {
  readonly users: Users
  readonly reader: LedgerReader
  readonly commits: GroupCommit
  readonly seal: RowSeal
  /** Told of a payer who is left out because of its rows. */
  readonly onFault: (error: Error) => void
}

/**
 * The part of the ledger that knows what was settled. Memory moves when a call is made, as with charges: every
 * row that is written later rests on it, and commits keep the order of the calls.
 */
export class SqliteSettlements extends SettlementSteps implements Settlements {
  readonly #parts: Parts

  constructor(parts: Parts) {
    super()
    this.#parts = parts
  }

  async due(minimum: bigint): Promise<Due[]> {
    const { users, onFault } = this.#parts
    for (const fault of users.faults()) onFault(fault)
    return users.sound().flatMap((held) => {
      const { charged, paid, open } = held.account
      if (open > 0 || charged <= paid || charged - paid < minimum) return []
      const due = this.#dueOf(held)
      return due && due.amount > 0n && due.amount >= minimum ? [due] : []
    })
  }

  unsettled(minimum = 1n): Unsettled {
    const { users, reader } = this.#parts
    const owing = users.sound().flatMap(({ account: { user, charged, paid, settledSeq } }) => {
      if (charged <= paid) return []
      return [{ amount: charged - paid, issuedAt: reader.issuedAfter(user, settledSeq) }]
    })
    const due = owing.filter(({ amount }) => amount >= minimum)
    return {
      owed: owing.reduce((sum, { amount }) => sum + amount, 0n),
      oldestIssuedAt: oldest(owing),
      oldestDueAt: oldest(due),
    }
  }

  async open(): Promise<StoredSettlement[]> {
    return this.#parts.users.allOpen()
  }

  async recent(): Promise<StoredSettlement[]> {
    return this.#parts.users.allDone()
  }

  async lastNonce(user: Address): Promise<bigint> {
    return this.#parts.users.lastNonce(user)
  }

  async store(settlements: readonly NewSettlement[]): Promise<void> {
    const { users } = this.#parts
    const moves = settlements.map((fresh) => {
      const held = users.get(fresh.entry.user)
      return { held, move: openSettlement(held.account, fresh) }
    })
    await this.#commit(moves.map(({ held, move }) => this.#apply(held, move)))
  }

  async adopt(user: Address, payment: { readonly paid: bigint; readonly nonce: bigint }): Promise<void> {
    const { users, commits, seal } = this.#parts
    const held = users.get(user)
    const before = held.account
    const account = adopt(before, payment)
    if (account === before) return
    held.account = account
    // Charges on their way to the disk are none of what it raised.
    if (account.charged > before.charged) held.durable = { seq: account.lastSeq, charged: account.charged }
    await commits.commit([write('putUser', userRow(seal, account))])
  }

  protected async move(
    keys: readonly SettlementKey[],
    state: SettlementState,
    step: (move: Move) => Move,
  ): Promise<void> {
    const writes = keys.flatMap(({ user, nonce }) => {
      const held = this.#parts.users.get(user)
      const settlement = held.settlements.get(nonce)
      if (settlement?.state !== state) return []
      return [this.#apply(held, step({ account: held.account, settlement }))]
    })
    await this.#commit(writes)
  }

  #apply(held: Held, { account, settlement }: Move): Write[] {
    const { seal } = this.#parts
    const { nonce } = settlement.entry
    held.account = account
    if (settlement.state === 'open' || settlement.state === 'done') held.settlements.set(nonce, settlement)
    else held.settlements.delete(nonce)
    return [write('putUser', userRow(seal, account)), write('putSettlement', settlementRow(seal, settlement))]
  }

  async #commit(writes: readonly Write[][]): Promise<void> {
    if (writes.length > 0) await this.#parts.commits.commit(writes.flat())
  }

  /** From the receipts on disk alone: a charge that is still on its way there is for the next time. */
  #dueOf(held: Held): Due | null {
    const { reader, onFault } = this.#parts
    const { account, durable } = held
    try {
      return dueOf({ ...account, charged: durable.charged, lastSeq: durable.seq }, (after) =>
        reader.receiptsAfter(account.user, after, PAGE),
      )
    } catch (error) {
      onFault(error as Error)
      return null
    }
  }
}

function oldest(owing: readonly { readonly issuedAt: number | null }[]): number | null {
  const issued = owing.flatMap(({ issuedAt }) => issuedAt ?? [])
  return issued.length ? Math.min(...issued) : null
}
