import { MAX_EVIDENCE } from '../../../src/attestation/evidence.ts'
import { simulatedMachine } from '../../../src/provider/tee/simulated/machine.ts'
import { AUTHORITY, type Document, OTHER_NONCE, type SceneChanges } from '../support/scene.ts'
import { flipped, type Vector, vector } from './vector.ts'

const field = (name: string, value: unknown) => (document: Document) => ({ ...document, [name]: value })
const malformed = (name: string, changes: SceneChanges | (() => SceneChanges)) =>
  vector('malformed', name, changes)
const word = (at: number, value: number) => (quote: Buffer) => {
  const copy = Buffer.from(quote)
  copy.writeUInt16LE(value, at)
  return copy
}
const event = (change: object) =>
  field('event_log', JSON.stringify([{ ...simulatedMachine().events[3], ...change }]))
const nonce = (value: unknown) => field('nonce', value)
const SIGNATURE_LENGTH = 632
const OUTER_TYPE = 764
const QE_AUTH_LENGTH = 1218

/** What is not evidence at all, in every shape. */
export const malformedVectors: readonly Vector[] = [
  ...[
    '',
    ' ',
    'null',
    '[]',
    '"quote"',
    '1',
    '{',
    '{}',
    '{"quote":""}',
    '<html>',
    '\u0000',
    '{"quote":null,"event_log":"[]"}',
  ].map((text) => malformed(`the document ${JSON.stringify(text)}`, { text: () => text })),
  malformed('a document that is too long', { text: (text) => `${text}${' '.repeat(MAX_EVIDENCE)}` }),
  malformed('a document that is nested without end', { text: () => '['.repeat(200_000) }),
  malformed('a document cut in half', { text: (text) => text.slice(0, text.length / 2) }),
  malformed('a document without its last character', { text: (text) => text.slice(0, -1) }),
  malformed('a quote that is no hex', { document: field('quote', 'xy') }),
  malformed('a quote of odd length', {
    document: (document) => ({ ...document, quote: `${document.quote}0` }),
  }),
  malformed('a quote in capitals', {
    document: (document) => ({ ...document, quote: String(document.quote).toUpperCase() }),
  }),
  malformed('a quote that is a number', { document: field('quote', 4) }),
  malformed('an empty quote', { document: field('quote', '') }),
  malformed('a quote of one byte', { document: field('quote', '04') }),
  ...[47, 100, 631, 640, 1000, 2000].map((length) =>
    malformed(`a quote cut to ${length} bytes`, { rawQuote: (quote) => quote.subarray(0, length) }),
  ),
  malformed('an oversized quote', { rawQuote: (quote) => Buffer.concat([quote, Buffer.alloc(100_000)]) }),
  malformed('bytes after the quote', { rawQuote: (quote) => Buffer.concat([quote, Buffer.from([1])]) }),
  malformed('a quote of version 3', { rawQuote: word(0, 3) }),
  malformed('a quote of version 6', { rawQuote: word(0, 6) }),
  malformed('an SGX quote', { rawQuote: word(4, 0) }),
  malformed('a quote with another kind of key', { rawQuote: word(2, 3) }),
  malformed('a signature section longer than the quote', { rawQuote: word(SIGNATURE_LENGTH, 0xffff) }),
  malformed('a signature section shorter than it is', { rawQuote: word(SIGNATURE_LENGTH, 200) }),
  malformed('another kind of certification', { rawQuote: word(OUTER_TYPE, 5) }),
  malformed('longer authentication data', { rawQuote: word(QE_AUTH_LENGTH, 33) }),
  malformed('no authentication data', { rawQuote: word(QE_AUTH_LENGTH, 0) }),
  malformed('version 5 with a body that is not known', { quote: { version: 5 }, rawQuote: word(48, 9) }),
  malformed('version 5 with an SGX body', { quote: { version: 5 }, rawQuote: word(48, 1) }),
  malformed('version 5 with another length', { quote: { version: 5 }, rawQuote: word(50, 640) }),
  malformed('a text between the certificates', () => {
    const at = (quote: Buffer) => quote.indexOf('-----END CERTIFICATE-----\n') + 25
    return { rawQuote: (quote) => flipped(quote, at(quote), 0x0a ^ 0x41) }
  }),
  malformed('a certificate that is no DER', {
    quote: { chain: [Buffer.from('nothing'), AUTHORITY.root.certificate] },
  }),
  malformed('a certificate cut short', {
    quote: { chain: [AUTHORITY.platform.certificate.subarray(0, 200), AUTHORITY.root.certificate] },
  }),
  malformed('too many certificates', {
    quote: { chain: Array.from({ length: 9 }, () => AUTHORITY.root.certificate) },
  }),

  malformed('an event log that is no JSON', { document: field('event_log', 'nothing') }),
  malformed('an event log that is no list', { document: field('event_log', '{}') }),
  malformed('an event log of numbers', { document: field('event_log', '[1]') }),
  malformed('an endless event log', {
    document: field('event_log', JSON.stringify(Array.from({ length: 5000 }, () => ({})))),
  }),
  malformed('an event of a register that is not there', { document: event({ imr: 4 }) }),
  malformed('an event of a negative register', { document: event({ imr: -1 }) }),
  malformed('an event without a type', { document: event({ event_type: 'x' }) }),
  malformed('an event with a short digest', { document: event({ digest: 'ab' }) }),
  malformed('an event with a digest that is no hex', { document: event({ digest: 'zz'.repeat(48) }) }),
  malformed('an event without a name', { document: event({ event: 1 }) }),
  malformed('an event without a payload', { document: event({ event_payload: null }) }),
  malformed('tcb_info that is no JSON', { document: field('tcb_info', 'nothing') }),
  malformed('tcb_info that is a list', { document: field('tcb_info', '[]') }),
  malformed('a compose file that is no text', { document: field('tcb_info', '{"app_compose":{}}') }),
  malformed('vm_config that is no JSON', { document: field('vm_config', '{') }),
  malformed('report data that is no base64', { document: field('report_data', '***') }),
  malformed('report data that is too short', { document: field('report_data', 'AAAA') }),

  malformed('a binding that is no JSON', { document: field('binding', 'nothing') }),
  malformed('a binding that is an object', { document: field('binding', {}) }),
  malformed('a binding of another version', {
    document: (d) => ({ ...d, binding: String(d.binding).replace('"v":1', '"v":2') }),
  }),
  malformed('a binding with a field more', {
    document: (d) => ({ ...d, binding: String(d.binding).replace('"v":1', '"v":1,"w":1') }),
  }),
  malformed('a binding with a space', {
    document: (d) => ({ ...d, binding: String(d.binding).replace('"v":1', '"v": 1') }),
  }),
  malformed('a binding with a field twice', {
    document: (d) => ({ ...d, binding: String(d.binding).replace('"v":1', '"v":1,"v":1') }),
  }),
  ...[null, 1, {}, { value: 'x', index: 0, siblings: [] }].map((value) =>
    malformed(`the nonce ${JSON.stringify(value)}`, { document: nonce(value) }),
  ),
  malformed('a nonce in capitals', { document: nonce({ value: 'AB'.repeat(32), index: 0, siblings: [] }) }),
  malformed('a nonce outside of its tree', {
    document: nonce({ value: OTHER_NONCE, index: 1, siblings: [] }),
  }),
  malformed('a nonce at a negative place', {
    document: nonce({ value: OTHER_NONCE, index: -1, siblings: [] }),
  }),
  malformed('an endless path', {
    document: nonce({
      value: OTHER_NONCE,
      index: 0,
      siblings: Array.from({ length: 17 }, () => OTHER_NONCE),
    }),
  }),
  malformed('a path that is no hash', {
    document: nonce({ value: OTHER_NONCE, index: 0, siblings: ['ab'] }),
  }),

  ...[null, [], 'x', {}].map((value) =>
    malformed(`the collateral ${JSON.stringify(value)}`, { rawCollateral: () => value }),
  ),
  ...[
    'root_ca_crl',
    'pck_crl',
    'tcb_info',
    'tcb_info_signature',
    'tcb_info_issuer_chain',
    'qe_identity',
    'qe_identity_issuer_chain',
  ].map((name) =>
    malformed(`collateral without ${name}`, { rawCollateral: ({ [name]: _, ...others }) => others }),
  ),
  malformed('a revocation list that is no DER', { rawCollateral: (c) => ({ ...c, pck_crl: 'abcd' }) }),
  malformed('a revocation list that is no hex', { rawCollateral: (c) => ({ ...c, pck_crl: 'xy' }) }),
  malformed('a revocation list cut short', {
    rawCollateral: (c) => ({ ...c, root_ca_crl: c.root_ca_crl!.slice(0, 100) }),
  }),
  malformed('a revocation list that names another algorithm outside of its signature', {
    rawCollateral: (c) => ({ ...c, pck_crl: c.pck_crl!.replace(/040302(?=03)/, '040303') }),
  }),
  malformed('a chain that is no PEM', { rawCollateral: (c) => ({ ...c, tcb_info_issuer_chain: 'nothing' }) }),
  malformed('statements without a date', { rawCollateral: (c) => ({ ...c, tcb_info: '{}' }) }),
  malformed('statements that are no JSON', { rawCollateral: (c) => ({ ...c, qe_identity: 'nothing' }) }),

  ...['nothing', '{}', '[]', '{"nonce":"ab"}'].map((gpu) => malformed(`the GPU evidence ${gpu}`, { gpu })),
  malformed('GPU evidence without a device', {
    gpu: JSON.stringify({ nonce: OTHER_NONCE, evidence_list: [] }),
  }),
  malformed('GPU evidence of too many devices', {
    gpu: JSON.stringify({ nonce: OTHER_NONCE, evidence_list: Array.from({ length: 17 }, () => ({})) }),
  }),
  malformed('a GPU report that is no measurement', {
    gpu: JSON.stringify({ nonce: OTHER_NONCE, evidence_list: [{ certificate: '', evidence: 'AAAA' }] }),
  }),
  malformed('two quotes in one document', {
    document: (document) => ({ ...document, intel_quote: `${document.quote}00` }),
  }),
  malformed("another platform's report that is no base64", {
    text: () => '{"evidence":"***","compose_content":""}',
  }),
  malformed("another platform's report without a quote", {
    text: () => JSON.stringify({ evidence: Buffer.from('{}').toString('base64') }),
  }),
]
