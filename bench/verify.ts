import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { QuoteVerifier } from '@phala/dcap-qvl'
import { checkQuote } from '../src/attestation/checkQuote.ts'
import { readCollateral } from '../src/attestation/collateral.ts'
import { DEFAULT_POLICY } from '../src/attestation/policy.ts'
import { parseTdxQuote } from '../src/attestation/tdxQuote.ts'
import { StepList } from '../src/attestation/verdict.ts'
import { VerdictCache } from '../src/attestation/verdictCache.ts'
import { NOTHING_KNOWN, verifyAnswer } from '../src/attestation/verifyAnswer.ts'
import { verifyProvider } from '../src/attestation/verifyProvider.ts'
import { receiptDigest, receiptFromJson } from '../src/protocol/receipt.ts'
import { recoverDigest } from '../src/protocol/signature.ts'
import { scene } from '../test/attestation/support/scene.ts'
import { EXCHANGE, proofOf } from '../test/unit/attestation/honest.ts'
import { type Result, report } from './report.ts'

const FIXTURES = join(import.meta.dirname, '../../shared/fixtures/attestation')
/** Inside the window of the fixture's collateral. */
const QUOTE_CLOCK = Date.parse('2025-07-01T00:00:00Z')
const OURS = 'ours'
const PEER = '@phala/dcap-qvl'

/** Medians of rounds that take turns; the first rounds warm up. */
async function compare(
  id: string,
  subjects: Readonly<Record<string, () => unknown>>,
  { rounds, repeat = 1 }: { readonly rounds: number; readonly repeat?: number },
): Promise<Result[]> {
  const warmUp = Math.ceil(rounds / 5)
  const times = new Map<string, number[]>(Object.keys(subjects).map((subject) => [subject, []]))
  for (let round = -warmUp; round < rounds; round++) {
    for (const [subject, run] of Object.entries(subjects)) {
      const startedAt = performance.now()
      for (let i = 0; i < repeat; i++) await run()
      if (round >= 0) times.get(subject)!.push((performance.now() - startedAt) / repeat)
    }
  }
  return [...times].map(([subject, values]) => {
    const sorted = values.toSorted((a, b) => a - b)
    return {
      id,
      subject,
      value: sorted[Math.floor(rounds / 2)]!,
      unit: 'ms',
      spread: [sorted[0]!, sorted.at(-1)!],
    }
  })
}

/** Everything that is checked of a quote, offline, against the peer alone on the same bytes. */
async function intelQuote(): Promise<Result[]> {
  if (!existsSync(FIXTURES)) {
    const why = 'the real quote is not there'
    return [OURS, PEER].map((subject) => ({ id: 'intelQuote', subject, value: null, unit: 'ms', why }))
  }
  const bytes = readFileSync(join(FIXTURES, 'tdx-quote.bin'))
  const json: unknown = JSON.parse(readFileSync(join(FIXTURES, 'tdx-quote-collateral.json'), 'utf8'))
  const ours = async () => {
    const steps = new StepList()
    const check = {
      quote: parseTdxQuote(bytes),
      collateral: readCollateral(json),
      roots: { simulated: null },
    }
    const assurance = await checkQuote(steps, { ...check, policy: DEFAULT_POLICY, now: QUOTE_CLOCK })
    if (assurance !== 'tdx') throw new Error('the quote was not accepted')
  }
  const peer = () => QuoteVerifier.newProd().verify(bytes, readCollateral(json), QUOTE_CLOCK / 1000)
  return compare('intelQuote', { [OURS]: ours, [PEER]: peer }, { rounds: 200 })
}

/** A verdict that is known, found again by the hash of the document. */
async function cached(): Promise<Result[]> {
  const { given, options } = scene()
  const document = given.document!
  const cache = new VerdictCache(3600)
  const verdict = await verifyProvider(given, options)
  cache.remember(given, document, verdict, given.now!)
  const ours = () => {
    if (!cache.recallDocument(given, document, given.now!)) throw new Error('the verdict is not known')
  }
  return compare('cached', { [OURS]: ours }, { rounds: 40, repeat: 200 })
}

/** An answer's text signature and receipt, against one signature recovery. */
async function answer(): Promise<Result[]> {
  const proof = proofOf()
  const { chainId, contract, receipt, signature } = receiptFromJson(proof.receipt)
  const digest = receiptDigest(chainId, contract, receipt)
  const ours = () => {
    const { outcome } = verifyAnswer(EXCHANGE, proof, NOTHING_KNOWN, 'simulated')
    if (outcome !== 'accepted') throw new Error('the answer was not accepted')
  }
  const runs = { answer: ours, recover: () => recoverDigest(digest, signature) }
  const results = await compare('', runs, { rounds: 100, repeat: 20 })
  return results.map((result) => ({ ...result, id: result.subject, subject: OURS }))
}

const results = [...(await intelQuote()), ...(await cached()), ...(await answer())]
const medianOf = (id: string, subject = OURS) =>
  results.find((r) => r.id === id && r.subject === subject)?.value ?? Number.NaN
const peerPackage = new URL('../node_modules/@phala/dcap-qvl/package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(peerPackage, 'utf8')) as { version: string }
report({ bench: 'verify', results, versions: { [PEER]: version } }, [
  `a full check of Intel's quote takes ${(medianOf('intelQuote') / medianOf('intelQuote', PEER)).toFixed(2)} times ${PEER} alone`,
  `a known verdict takes ${(medianOf('cached') * 1000).toFixed(1)} µs`,
  `an answer's proof and receipt take ${(medianOf('answer') / medianOf('recover')).toFixed(2)} signature recoveries`,
])
