import type { JsonRpcApiProvider } from 'ethers'
import { inferenceContract } from '../chain/inference.ts'
import { ledgerContract } from '../chain/ledger.ts'
import { connect } from '../chain/rpc.ts'
import type { BuyerSession, Session } from './session.ts'

/** A session with its chain. */
export function onChain(session: Omit<BuyerSession, 'connected'>, rpc: JsonRpcApiProvider): Session {
  const { network } = session
  const whole: Session = {
    ...session,
    rpc,
    ledger: ledgerContract(network.ledger, rpc),
    inference: inferenceContract(network.inference, rpc),
    connected: async () => whole,
  }
  return whole
}

/** @throws AppError `rpc_unreachable`, `wrong_chain` */
export const connectChain = async (session: BuyerSession): Promise<Session> =>
  onChain(session, await connect(session.network))
