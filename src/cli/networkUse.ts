import { readFileSync } from 'node:fs'
import { AppError, EXIT } from '../base/errors.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asProfile, assertNetworkKnown } from './framework/selectNetwork.ts'

export const command: CommandDefinition = {
  args: [['<name>', 'mainnet, testnet, devnet or one of your own']],
  options: [
    ['--profile <file>', 'JSON with chainId, rpcUrls, ledger, inference, fineTuning: kept under this name'],
  ],
  examples: ['0g-compute network use testnet', '0g-compute network use lab --profile ./lab.json'],
  async run({ out, settings }, input) {
    const name = input.required(0)
    const file = input.text('profile')
    if (file !== undefined) {
      const profile = asProfile(name, readJson(file))
      settings.save({ network: name, networks: { ...settings.customNetworks, [name]: profile } })
    } else {
      assertNetworkKnown(name, settings)
      settings.save({ network: name })
    }
    out.result({ network: name }, () => `Using network ${name}`)
    out.next('0g-compute network show')
    return undefined
  },
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new AppError({
      code: 'network_malformed',
      message: `${path} cannot be read as JSON`,
      hint: 'It needs chainId, rpcUrls, ledger, inference and fineTuning',
      exitCode: EXIT.malformed,
      cause,
    })
  }
}
