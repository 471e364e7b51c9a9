import { bytesToHex, hexToBytes } from '../../base/hex.ts'
import { addressOf } from '../../protocol/signature.ts'
import { encryptionKeyOf } from './encryptionKey.ts'
import { GuestAgent } from './guestAgent.ts'
import type { Tee } from './tee.ts'

export interface DstackOptions {
  /** The guest agent's socket. Default `/var/run/dstack.sock`. */
  readonly socket?: string
}

const SIGNER_PATH = '/'
const ENCRYPTION_PATH = '/e2ee-enc'

/**
 * The enclave of a dstack CVM: Intel TDX, keys derived from the app's own. The same keys in every replica, and others
 * for another app.
 * @throws AppError `tee_unreachable`, `tee_refused`, `tee_answer_malformed`
 */
export async function openDstackTee({ socket }: DstackOptions = {}): Promise<Tee> {
  const agent = new GuestAgent(socket)
  const [signer, encryption] = await Promise.all([agent.key(SIGNER_PATH), agent.key(ENCRYPTION_PATH)])
  const signerKey = hexToBytes(signer)
  return {
    kind: 'dstack',
    signerKey,
    signer: addressOf(signerKey),
    encryption: encryptionKeyOf(hexToBytes(encryption)),
    async quote(reportData) {
      const [evidence, tcbInfo] = await Promise.all([agent.quote(bytesToHex(reportData)), agent.tcbInfo()])
      return {
        quote: hexToBytes(evidence.quote),
        eventLog: evidence.event_log,
        tcbInfo,
        vmConfig: evidence.vm_config,
        // Whoever verifies fetches Intel's statements: the enclave has none.
        collateral: null,
      }
    },
  }
}
