import { resolve } from 'node:path'
import { sameAddress } from '../../base/hex.ts'
import type { FineTuningService } from '../../chain/fineTuning.ts'
import { readEscrowTask } from '../../chain/taskEscrow.ts'
import { requireAccount, type Session } from '../session.ts'
import { orderChanged } from './errors.ts'
import type { LocalTask } from './localTask.ts'
import type { TaskApi } from './taskApi.ts'
import type { TaskStore } from './taskStore.ts'

/**
 * Notes a task that was created elsewhere, so that this machine can bring it to its end. What the broker says of
 * money and signer is not used: that is on chain.
 * @throws AppError `task_order_changed` when the order on chain is not this user's with this provider
 */
export async function adoptTask(
  session: Session,
  store: TaskStore,
  api: TaskApi,
  service: FineTuningService,
  id: string,
  output: string,
): Promise<LocalTask> {
  const { address: user } = requireAccount(session)
  const seen = await api.get(user, id)
  const order = seen.order ?? null
  const escrow = order && (await readEscrowTask(session.inference, order))
  const task: LocalTask = {
    v: 1,
    key: session.runtime.randomHex(8),
    chainId: session.network.chainId,
    contract: session.network.fineTuning,
    user,
    provider: service.provider,
    signer: escrow ? escrow.signer : service.teeSignerAddress,
    createdAt: session.runtime.now(),
    fromBlock: 0,
    model: seen.model ?? null,
    method: seen.method ?? 'lora',
    datasetPath: '',
    place: 'upload',
    fingerprint: '',
    request: {
      userAddress: user,
      datasetHash: seen.datasetHash,
      trainingParams: seen.trainingParams,
      preTrainedModelHash: seen.preTrainedModelHash,
      fee: '0',
      nonce: seen.nonce,
      signature: seen.signature,
      wait: true,
    },
    order,
    maxFee: escrow ? escrow.maxFee.toString() : seen.fee,
    tokens: seen.tokens ?? 0,
    output: resolve(output),
    uploaded: true,
    taskId: seen.id,
    checkedRoot: null,
    acknowledged: false,
    decrypted: false,
    adapter: null,
    ended: null,
  }
  const isOurs = !escrow || (sameAddress(escrow.user, user) && sameAddress(escrow.provider, service.provider))
  if (!isOurs) throw orderChanged(task)
  return store.save(task)
}
