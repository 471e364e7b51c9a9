import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { AppError } from '../../../base/errors.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../../base/hex.ts'
import { eciesEncrypt } from '../../../protocol/finetune/ecies.ts'
import { signDigest } from '../../../protocol/signature.ts'
import { encryptArtifact } from '../../../storage/artifact/encryptArtifact.ts'
import { rootOfFile } from '../../../storage/merkle/rootOf.ts'
import { specOf, type Task } from '../task.ts'
import { sealInto } from '../vault.ts'
import type { Workshop } from '../workshop.ts'
import type { Step } from './steps.ts'
import { artifactFile, artifactZip } from './workFolder.ts'

/**
 * Seals the model for its user, in the deployed layout, and what the engine needs of it for the enclave. Its own key
 * is kept nowhere but sealed for the user: from here on only the published key opens the delivery.
 */
export const seal: Step = async (task, { shop, held }) => {
  held.release(task.id)
  const { vault, tee } = shop
  // A machine that was restarted has lost what was in memory; the dataset is still there to train again.
  if (!existsSync(artifactZip(shop, task))) return { change: { state: 'Training', runs: task.runs + 1 } }
  await vault.makeTaskFolder(task.id)
  const key = randomBytes(32)
  const target = vault.taskPath(task.id, 'artifact')
  await encryptArtifact({
    plaintext: createReadStream(artifactZip(shop, task)),
    target,
    key,
    sign: (digest) => signDigest(tee.signerKey, digest),
  })
  const gguf = await sealGguf(shop, task)
  const secret = await eciesEncrypt(hexToBytes(task.publicKey), key)
  const delivery = {
    root: await rootOfFile(target),
    bytes: (await stat(target)).size,
    encryptedSecret: `0x${bytesToHex(secret)}` as Hex,
    kind: isAdapter(task) ? ('adapter' as const) : ('model' as const),
    gguf,
  }
  return { change: { state: 'Delivering', delivery } }
}

async function sealGguf(shop: Workshop, task: Task): Promise<boolean> {
  const { vault, keys } = shop
  const file = artifactFile(shop, task, isAdapter(task) ? 'adapter.gguf' : 'model.gguf')
  if (!existsSync(file)) return false
  const key = keys.open(task.id, wrappedKeyOf(task))
  await sealInto(vault.taskPath(task.id, 'gguf'), key, 'gguf', createReadStream(file))
  return true
}

const isAdapter = (task: Task): boolean => ['lora', 'qlora'].includes(specOf(task)?.method ?? 'lora')

/** @throws AppError `task_key_destroyed` */
export function wrappedKeyOf({ wrappedKey }: Task): string {
  if (wrappedKey !== null) return wrappedKey
  throw new AppError({
    code: 'task_key_destroyed',
    message: 'The files of this task were destroyed',
    hint: 'Its time on this provider is over. The model that was downloaded is not affected',
    status: 410,
  })
}
