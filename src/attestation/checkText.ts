import { sameAddress } from '../base/hex.ts'
import { proofTextOf, recoverTextProof, type TextProof } from '../protocol/textProof.ts'
import type { Exchange } from './exchange.ts'
import type { StepList } from './verdict.ts'

/** The text that was signed is of the request as sent and of the answer as received. */
export function checkText(steps: StepList, exchange: Exchange, proof: TextProof | null): void {
  if (!proof) {
    steps.missing('text-signature', 'the provider gave no signature for this answer')
    return
  }
  const expected = exchange.textSigner ?? exchange.signer
  const signer = isTextProof(proof) ? recoverTextProof(proof) : null
  steps.check(
    'text-signature',
    signer !== null && sameAddress(signer, expected),
    `signed by the signer on chain, ${expected}`,
    signer ?? 'no valid signature',
  )
  const { sealed } = exchange
  // Before the hashes of sealed bodies stands what they are of.
  const [requestHash = '', responseHash = ''] = String(proof.text)
    .split(':')
    .slice(sealed ? 1 : 0)
  const wanted = sealed ?? exchange
  const signed = { requestHash, responseHash }
  if (requestHash !== wanted.requestHash && isOtherEnclave(exchange)) {
    steps.missing('request-hash', UNBOUND)
  } else {
    steps.check('request-hash', requestHash === wanted.requestHash, 'signed request is the one sent')
  }
  steps.check(
    'response-hash',
    responseHash === wanted.responseHash &&
      proof.text === proofTextOf(sealed ? { ...signed, sealed: { ...sealed, ...signed } } : signed),
    'signed response is the one received',
  )
}

/** Whether the text is signed where the model runs, behind a broker that may say a request in other words. */
const isOtherEnclave = ({ textSigner, signer }: Exchange): boolean =>
  textSigner !== undefined && !sameAddress(textSigner, signer)

const UNBOUND =
  "the model's own server signed what the provider passed on to it, which is not byte for byte what was sent: this proof cannot bind the request"

/** A broker may send anything: its words are typed only after this. */
const isTextProof = (proof: TextProof): boolean =>
  typeof proof.text === 'string' && typeof proof.signature === 'string'
