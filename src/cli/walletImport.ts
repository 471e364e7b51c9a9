import { readFileSync } from 'node:fs'
import type { Hex } from '../base/hex.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { askSecret, canAsk, needsTerminal } from './framework/prompt.ts'
import { readSecretFile } from './framework/secretFile.ts'
import { keepKey } from './wallet/keepKey.ts'
import { notePayer } from './wallet/onDevnet.ts'

export const command: CommandDefinition = {
  options: [
    ['--name <name>', 'name of the wallet (default: default)'],
    ['--file <path>', 'file that holds the key'],
    ['--keystore <path>', 'Web3 v3 keystore; ZG_IMPORT_PASSWORD or a prompt opens it'],
  ],
  examples: [
    '0g-compute wallet import',
    '0g-compute wallet import --file ./key.txt',
    '0g-compute wallet import --keystore ./UTC--2026.json --name old',
    'pass show my-key | 0g-compute wallet import',
  ],
  notes:
    'The key comes from ZG_PRIVATE_KEY, a file, a keystore, stdin or a prompt; never from the command line.',
  async run(context, input) {
    const name = input.text('name') ?? 'default'
    const read = () => readKey(context, input.text('file'), input.text('keystore'))
    const wallet = await keepKey(context, name, read)
    context.out.report({ name: wallet.name, address: wallet.address, path: wallet.path }, (paint) =>
      [`Wallet ${paint.bold(wallet.name)}: ${wallet.address}`, `Kept encrypted in ${wallet.path}`].join('\n'),
    )
    notePayer(context, wallet.name)
    context.out.next(`0g-compute wallet show --wallet ${wallet.name}`)
    return undefined
  },
}

async function readKey(context: Context, file?: string, keystore?: string): Promise<Hex> {
  const [{ asPrivateKey }, { decryptKey }] = await Promise.all([
    import('./framework/privateKey.ts'),
    import('./framework/keystore.ts'),
  ])
  const warn = (text: string) => context.out.warn(text)
  if (keystore !== undefined) {
    const json = readSecretFile(keystore, warn)
    return decryptKey(json, context.env.ZG_IMPORT_PASSWORD ?? (await askPassword()))
  }
  if (file !== undefined) return asPrivateKey(readSecretFile(file, warn))
  if (context.env.ZG_PRIVATE_KEY) return asPrivateKey(context.env.ZG_PRIVATE_KEY)
  if (canAsk()) return asPrivateKey(await askSecret('Private key'))
  return asPrivateKey(readFileSync(0, 'utf8'))
}

/** @throws AppError `terminal_needed` */
async function askPassword(): Promise<string> {
  if (canAsk()) return askSecret('Password of that keystore')
  throw needsTerminal('The keystore needs its password', 'Set ZG_IMPORT_PASSWORD')
}
