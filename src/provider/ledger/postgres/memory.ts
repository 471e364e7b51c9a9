import type { Address, Hex } from '../../../base/hex.ts'
import { Lru } from '../../lru.ts'
import { emptyAccount, type UserAccount } from '../account.ts'
import { asOf, type CountedKey, type KeySpending } from '../keySpending.ts'
import type { SeenAccount, UserTotals } from '../ledger.ts'
import { owedOf } from '../owed.ts'
import type { Revocation } from '../places.ts'
import type { StoredSettlement } from '../settlements.ts'

/** Looked up again with each request. */
const MAX_KEYS = 10_000

interface Known {
  account: UserAccount
  /** Open, or paid lately. */
  settlements: readonly StoredSettlement[]
  fault: Error | null
}

/**
 * What a replica knows of users between two looks into the database.
 *
 * Why admission by it is safe: a look (`refresh`) that began after the request came shows everything that any
 * replica committed before; charges of this replica count from the moment they are made; and `charged` never goes
 * down here, whichever answer comes first. So what is unknown is only what other replicas have in flight: requests
 * that they admitted and have not charged yet; what those may cost they have noted in `Places`, and no request runs
 * that the account does not cover beside it. Each of them alone may refuse wrongly, and then looks again.
 */
export class Memory {
  readonly #known = new Map<Address, Known>()
  readonly #revocations = new Map<Address, readonly Revocation[]>()
  readonly #spending = new Lru<Hex, KeySpending | Error>(MAX_KEYS)
  /** The database's, in days of UTC since 1970. */
  #today = 0
  /** Made here, not committed yet, neuron. */
  readonly #inFlight = new Map<Address, bigint>()

  totals(address: Address): UserTotals {
    const user = address.toLowerCase() as Address
    const known = this.#sound(user)
    const charged = (known?.account.charged ?? 0n) + (this.#inFlight.get(user) ?? 0n)
    return { user, charged, paid: known?.account.paid ?? 0n }
  }

  owed(address: Address, seen: SeenAccount): bigint {
    const totals = this.totals(address)
    const known = this.#sound(totals.user)
    const settled = known?.account.settled ?? 0n
    return owedOf({ ...totals, settled }, known?.settlements ?? [], seen)
  }

  openOf = (address: Address): StoredSettlement | null =>
    this.#known
      .get(address.toLowerCase() as Address)
      ?.settlements.findLast(({ state }) => state === 'open') ?? null

  /** @throws AppError `ledger_row_tampered` */
  spent({ id }: CountedKey): bigint {
    const known = this.#spending.get(id)
    if (known instanceof Error) throw known
    return known ? asOf(this.#today, known).spent : 0n
  }

  revocations = (address: Address): readonly Revocation[] =>
    this.#revocations.get(address.toLowerCase() as Address) ?? []

  /** Of whichever answer comes first, the one that says more counts. */
  learnSpending(id: Hex, found: KeySpending | Error, today: number): void {
    this.#today = Math.max(this.#today, today)
    const known = this.#spending.get(id)
    if (!(known instanceof Error) && !(found instanceof Error) && known && isLater(known, found)) return
    this.#spending.set(id, found)
  }

  learnRevocations(user: Address, found: readonly Revocation[]): void {
    if (found.length > 0) this.#revocations.set(user, found)
    else this.#revocations.delete(user)
  }

  /** What a look into the database showed. */
  learn(account: UserAccount, settlements: readonly StoredSettlement[]): void {
    const before = this.#known.get(account.user)?.account
    this.#known.set(account.user, { account: chargedAsIn(account, before), settlements, fault: null })
  }

  /**
   * What a charge made of an account. What was paid stays as the last look showed it, together with its settlements:
   * a payment that was booked since is still open among these, and would count twice.
   */
  learnCharge(account: UserAccount): void {
    const before = this.#known.get(account.user) ?? { account, settlements: [] }
    this.#known.set(account.user, {
      account: chargedAsIn(before.account, account),
      settlements: before.settlements,
      fault: null,
    })
  }

  learnFault(user: Address, fault: Error): void {
    const account = this.#known.get(user)?.account ?? emptyAccount(user)
    this.#known.set(user, { account, settlements: [], fault })
  }

  addInFlight(address: Address, fee: bigint): void {
    const user = address.toLowerCase() as Address
    const sum = (this.#inFlight.get(user) ?? 0n) + fee
    if (sum === 0n) this.#inFlight.delete(user)
    else this.#inFlight.set(user, sum)
  }

  #sound(user: Address): Known | undefined {
    const known = this.#known.get(user)
    if (known?.fault) throw known.fault
    return known
  }
}

/** Whichever answer comes first, `charged` never goes down. */
function chargedAsIn(account: UserAccount, other: UserAccount = account): UserAccount {
  const { charged, lastSeq } = other.charged > account.charged ? other : account
  return { ...account, charged, lastSeq }
}

const isLater = (a: KeySpending, b: KeySpending): boolean =>
  a.day > b.day || (a.day === b.day && a.spent > b.spent)
