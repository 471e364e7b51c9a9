import { createHash } from 'node:crypto'
import { AppError } from '../../base/errors.ts'
import { type Hex, hexToBytes } from '../../base/hex.ts'
import type { GroupCommit } from './groupCommit.ts'
import type { Due, NewSettlement, SettlementKey, StoredSettlement } from './ledger.ts'
import type { LedgerReader } from './reader.ts'
import { settlementWrite } from './rows.ts'
import type { Write } from './statements.ts'
import type { UserState, Users } from './users.ts'

const PAGE = 1000

/** The part of the ledger that knows what was settled. */
export class Settlements {
  readonly #users: Users
  readonly #reader: LedgerReader
  readonly #commits: GroupCommit

  constructor(users: Users, reader: LedgerReader, commits: GroupCommit) {
    this.#users = users
    this.#reader = reader
    this.#commits = commits
  }

  due(minimum: bigint): Due[] {
    return this.#users
      .owing(minimum)
      .map((state) => this.#dueOf(state))
      .filter((due) => due !== null && due.amount > 0n && due.amount >= minimum) as Due[]
  }

  async store(settlements: readonly NewSettlement[]): Promise<void> {
    const stored = settlements.map((settlement) => this.#admit(settlement))
    await this.#commits.commit(
      stored.flatMap((settlement): Write[] => [
        settlementWrite(settlement),
        ['raiseNonce', settlement.entry.nonce.toString(), settlement.entry.user],
      ]),
    )
    for (const settlement of stored) {
      const state = this.#users.get(settlement.entry.user)
      state.open = settlement
      state.lastNonce = settlement.entry.nonce
    }
  }

  async replaceSignature(key: SettlementKey, signature: Hex): Promise<void> {
    const open = this.#openOf(key)
    if (!open) return
    const { user, nonce } = open.entry
    await this.#commits.commit([['replaceSignature', signature, user, nonce.toString()]])
    this.#users.get(user).open = { ...open, entry: { ...open.entry, signature } }
  }

  async markSent(keys: readonly SettlementKey[], txHash: Hex): Promise<void> {
    const open = keys.flatMap((key) => this.#openOf(key) ?? [])
    await this.#commits.commit(
      open.map(({ entry }): Write => ['markSent', txHash, entry.user, entry.nonce.toString()]),
    )
    for (const settlement of open) this.#users.get(settlement.entry.user).open = { ...settlement, txHash }
  }

  async markDone(key: SettlementKey, paid: bigint, txHash: Hex): Promise<void> {
    const open = this.#openOf(key)
    if (!open) return
    const state = this.#users.get(key.user)
    const { user, nonce } = open.entry
    const total = state.paid + paid
    const settledSeq = this.#settledSeq(state, open.throughSeq, total)
    await this.#commits.commit([
      ['markDone', paid.toString(), txHash, user, nonce.toString()],
      ['raisePaid', total.toString(), settledSeq, user],
    ])
    Object.assign(state, { paid: total, settledSeq, open: null })
  }

  async markVoid(key: SettlementKey): Promise<void> {
    const open = this.#openOf(key)
    if (!open) return
    await this.#commits.commit([['markVoid', open.entry.user, open.entry.nonce.toString()]])
    this.#users.get(key.user).open = null
  }

  /** From the receipts on disk alone: a charge that is still on its way there is for the next time. */
  #dueOf(state: UserState): Due | null {
    const hash = createHash('sha256')
    let last: { readonly seq: number; readonly cumulative: string } | undefined
    for (let after = state.settledSeq; ; after = last?.seq ?? after) {
      const page = this.#reader.receiptsAfter(state.user, after, PAGE)
      for (const row of page) hash.update(hexToBytes(row.detail_hash))
      last = page.at(-1) ?? last
      if (page.length < PAGE) break
    }
    if (!last) return null
    return {
      user: state.user,
      amount: BigInt(last.cumulative) - state.paid,
      throughSeq: last.seq,
      requestsHash: `0x${hash.digest('hex')}`,
    }
  }

  #admit(settlement: NewSettlement): StoredSettlement {
    const { user, nonce } = settlement.entry
    const state = this.#users.get(user)
    if (state.open || nonce <= state.lastNonce) {
      throw new AppError({ code: 'settlement_out_of_order', message: `A settlement of ${user} is open` })
    }
    const entry = { ...settlement.entry, user: state.user }
    return { ...settlement, entry, state: 'open', txHash: null, paid: 0n }
  }

  #openOf({ user, nonce }: SettlementKey): StoredSettlement | null {
    const { open } = this.#users.get(user)
    return open?.entry.nonce === nonce ? open : null
  }

  /** Moves on only when everything up to the entry's last receipt is paid; else the next entry names them again. */
  #settledSeq(state: UserState, throughSeq: number, paid: bigint): number {
    const [row] = this.#reader.receiptsAfter(state.user, throughSeq - 1, 1)
    return row?.seq === throughSeq && paid >= BigInt(row.cumulative) ? throughSeq : state.settledSeq
  }
}
