/** A bug: `find`, which occurs once in `file`, becomes `replace`; some test below `tests` must fail. */
export interface Mutation {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** Glob of forge's `--match-path`. */
  readonly tests: string
}

/** One for each kind of promise: who is paid, how much, when, and on whose word. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'ledger: a transfer takes nothing',
    file: 'contracts/LedgerManager.sol',
    find: '_debit(record, moved);',
    replace: '',
    tests: 'test/contracts/ledger/*',
  },
  {
    name: 'stakes: no exit delay',
    file: 'contracts/base/StakeVault.sol',
    find: 'if (block.timestamp < stake.withdrawableAt) {',
    replace: 'if (false) {',
    tests: 'test/contracts/{stakes,inference}/s*',
  },
  {
    name: 'stakes: claims take back the whole stake',
    file: 'contracts/base/Disputes.sol',
    find: 'OVERCHARGE_PERCENT = 50;',
    replace: 'OVERCHARGE_PERCENT = 100;',
    tests: 'test/contracts/stakes/*',
  },
  {
    name: 'stakes: the first claim keeps out a larger one',
    file: 'contracts/base/Disputes.sol',
    find: 'if (earlier > overcharge) return false;',
    replace: 'if (earlier != 0) return false;',
    tests: 'test/contracts/stakes/*',
  },
  {
    name: 'stakes: a larger claim counts on top of the earlier',
    file: 'contracts/base/Disputes.sol',
    find: 'earlier == 0 ? overcharge : overcharge + 1 - earlier',
    replace: 'overcharge',
    tests: 'test/contracts/stakes/*',
  },
  {
    name: 'tasks: any key is the promised key',
    file: 'contracts/base/TaskEscrow.sol',
    find: 'if (keccak256(encryptedKey) != task.keyHash) revert TaskKeyMismatch(task.keyHash);',
    replace: '',
    tests: 'test/contracts/finetuning/tasks.t.sol',
  },
  {
    name: 'batches: an older batch pays',
    file: 'contracts/base/BatchSettlement.sol',
    find: 'if (cumulative <= settled || word.upTo() >= upTo) continue;',
    replace: 'if (cumulative <= settled) continue;',
    tests: 'test/contracts/inference/settleBatch.t.sol',
  },
  {
    name: 'vouchers: no cap',
    file: 'contracts/base/VoucherSettlement.sol',
    find: 'gt(claimed, mul(and(delegation, MASK_CAP), GWEI))',
    replace: '0',
    tests: 'test/contracts/inference/settleVouchers.t.sol',
  },
  {
    name: 'vouchers: anyone delegates for a payer',
    file: 'contracts/base/VoucherSettlement.sol',
    find: 'if (signer != user) revert NotThePayer(signer);',
    replace: '',
    tests: 'test/contracts/inference/settleVouchers.t.sol',
  },
  {
    name: 'vouchers: anyone binds a session key',
    file: 'contracts/base/VoucherSettlement.sol',
    find: 'if (signer != sessionKey) revert NotTheSessionKey(signer);',
    replace: '',
    tests: 'test/contracts/inference/settleVouchers.t.sol',
  },
  {
    name: 'vouchers: an ended session key comes back',
    file: 'contracts/base/VoucherSettlement.sol',
    find: 'if (before.expiry <= block.timestamp) revert SessionOver(before.expiry);',
    replace: '',
    tests: 'test/contracts/inference/settleVouchers.t.sol',
  },
  {
    name: 'vouchers: more than was signed',
    file: 'contracts/base/VoucherSettlement.sol',
    find: 'or(gt(claimed, signed), ',
    replace: 'or(0, ',
    tests: 'test/contracts/inference/settleVouchers.t.sol',
  },
  {
    name: 'tasks: rejected after the window',
    file: 'contracts/base/TaskEscrow.sol',
    find: '_checkDeadline(rejectBy);',
    replace: '',
    tests: 'test/contracts/finetuning/tasks.t.sol',
  },
  {
    name: 'tasks: an end does not end',
    file: 'contracts/base/TaskEscrow.sol',
    find: 'task.state = TaskState.Ended;',
    replace: '',
    tests: 'test/contracts/finetuning/tasks.t.sol',
  },
  {
    name: 'deltas: a nonce is good twice',
    file: 'contracts/base/SettlementCheck.sol',
    find: 'row.nonce > _sides[row.provider][row.user].nonce',
    replace: 'row.nonce >= _sides[row.provider][row.user].nonce',
    tests: 'test/contracts/inference/settleFeesWithTEE.t.sol',
  },
  {
    name: 'refunds: what has matured can be spent',
    file: 'contracts/base/ServingState.sol',
    find: 'spendable = balance - matured;',
    replace: 'spendable = balance;',
    tests: 'test/contracts/inference/*',
  },
  {
    name: 'signers: a former signer settles for ever',
    file: 'contracts/base/ServingState.sol',
    find: '&& block.timestamp <= entry.retiredAt + lockTime;',
    replace: ';',
    tests: 'test/contracts/inference/signers.t.sol',
  },
]
