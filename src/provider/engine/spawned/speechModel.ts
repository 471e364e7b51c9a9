import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Families of models that hear and write, as their configuration names their class. */
const HEARING = /"architectures"\s*:\s*\[\s*"(Whisper|Moonshine|Speech2Text)/

/** Whether a folder as `transformers` publishes models holds one for speech to text. */
export async function isSpeechModel(folder: string): Promise<boolean> {
  return HEARING.test(await readFile(join(folder, 'config.json'), 'utf8').catch(() => ''))
}
