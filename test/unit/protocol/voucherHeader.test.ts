import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { addressOf } from '../../../src/protocol/signature.ts'
import { signVoucher } from '../../../src/protocol/voucher.ts'
import { formatVoucher, parseVoucher, recoverVoucher } from '../../../src/protocol/voucherHeader.ts'

const KEY = createHash('sha256').update('a session key').digest()
const CONTRACT = '0x47340d900bdFec2BD393c626E12ea0656F938d84'
const PROVIDER = '0x5FbDB2315678afecb367f032d93F642f64180aa3'
const SIGNATURE = signVoucher(KEY, 16661, CONTRACT, { provider: PROVIDER, cumulative: 12n })

it('reads what it writes, and who signed it', () => {
  const text = formatVoucher({ cumulative: 12n, signature: SIGNATURE })
  expect(text).toBe(`v1,12,${SIGNATURE}`)
  const voucher = parseVoucher(text)!
  expect(voucher).toEqual({ cumulative: 12n, signature: SIGNATURE })
  const signerFor = (provider: typeof PROVIDER | typeof CONTRACT, chainId: number, cumulative = 12n) =>
    recoverVoucher(chainId, CONTRACT, { provider, cumulative }, voucher.signature)
  expect(signerFor(PROVIDER, 16661)?.toLowerCase()).toBe(addressOf(KEY).toLowerCase())
  for (const signer of [
    signerFor(CONTRACT, 16661),
    signerFor(PROVIDER, 16602),
    signerFor(PROVIDER, 16661, 13n),
  ])
    expect(signer?.toLowerCase()).not.toBe(addressOf(KEY).toLowerCase())
})

it.each([
  ['nothing', ''],
  ['another version', `v2,12,${SIGNATURE}`],
  ['a sign', `v1,-12,${SIGNATURE}`],
  ['leading zeros', `v1,012,${SIGNATURE}`],
  ['more than 96 bits', `v1,${2n ** 96n},${SIGNATURE}`],
  ['upper-case hex', `v1,12,${SIGNATURE.toUpperCase().replace('0X', '0x')}`],
  ['a short signature', `v1,12,${SIGNATURE.slice(0, -2)}`],
  ['something behind it', `v1,12,${SIGNATURE},`],
])('refuses %s', (_name, text) => {
  expect(parseVoucher(text)).toBeNull()
})
