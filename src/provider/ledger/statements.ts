/** Everything that is ever written, by name; the writer thread prepares each once. */
export const WRITES = {
  insertReceipt: `INSERT INTO receipts
    (seq, id, user, fee, cumulative, issued_at, detail_hash, detail, signature)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  raiseCharged: `INSERT INTO users (user, charged, paid, settled_seq, last_nonce) VALUES (?, ?, '0', 0, '0')
    ON CONFLICT (user) DO UPDATE SET charged = excluded.charged`,
  /** A checkpoint that comes after the charge of its exchange changes nothing. */
  checkpoint: `INSERT INTO exchanges (id, exchange, delivered)
    SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM receipts WHERE id = ?1)
    ON CONFLICT (id) DO UPDATE SET delivered = excluded.delivered`,
  endExchange: 'DELETE FROM exchanges WHERE id = ?',
  insertSettlement: `INSERT INTO settlements
    (user, nonce, total_fee, requests_hash, signature, through_seq, from_block, state, tx_hash, paid)
    VALUES (?, ?, ?, ?, ?, ?, ?, 'open', NULL, '0')`,
  raiseNonce: 'UPDATE users SET last_nonce = ? WHERE user = ?',
  markSent: `UPDATE settlements SET tx_hash = ? WHERE user = ? AND nonce = ? AND state = 'open'`,
  replaceSignature: `UPDATE settlements SET signature = ? WHERE user = ? AND nonce = ? AND state = 'open'`,
  markDone: `UPDATE settlements SET state = 'done', paid = ?, tx_hash = ?
    WHERE user = ? AND nonce = ? AND state = 'open'`,
  markVoid: `UPDATE settlements SET state = 'void' WHERE user = ? AND nonce = ? AND state = 'open'`,
  raisePaid: 'UPDATE users SET paid = ?, settled_seq = ? WHERE user = ?',
} as const

/** One write: a statement's name and its parameters. */
export type Write = readonly [name: keyof typeof WRITES, ...parameters: (string | number)[]]
