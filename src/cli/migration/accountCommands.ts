import { AppError, EXIT } from '../../base/errors.ts'
import type { OldCommand } from './oldCommand.ts'

const PROVIDER = '0xf07240Efa67755B5311bc75784a061eDB47165Dd'

/** Money, keys of the wallet, networks: the commands without a group. */
export const ACCOUNT_COMMANDS: readonly OldCommand[] = [
  {
    name: 'get-account',
    example: 'get-account',
    to: () => ['fund', 'status'],
  },
  {
    name: 'get-sub-account',
    options: { provider: 'text', service: 'text' },
    example: `get-sub-account --provider ${PROVIDER} --service inference`,
    to: () => ['fund', 'status'],
    note: 'Shows every provider at once',
  },
  {
    name: 'add-account',
    options: { amount: 'text' },
    example: 'add-account --amount 3',
    to: (options) => ['fund', options.required('amount')],
  },
  {
    name: 'deposit',
    options: { amount: 'text' },
    example: 'deposit --amount 5',
    to: (options) => ['fund', options.required('amount')],
  },
  {
    name: 'transfer-fund',
    options: { provider: 'text', amount: 'text', service: 'text' },
    example: `transfer-fund --provider ${PROVIDER} --amount 1 --service inference`,
    to: (options) => {
      if (options.text('service') === 'fine-tuning') throw fundedByCreate()
      return ['fund', options.required('amount'), '--provider', options.required('provider')]
    },
    note: 'Takes what lies in the ledger first, the rest from the wallet, and acknowledges the signer',
  },
  {
    name: 'retrieve-fund',
    options: { provider: 'text', service: 'text' },
    example: 'retrieve-fund --service inference',
    to: () => ['fund', 'withdraw', '--all'],
    note: 'Asks every provider, and goes on to the wallet; run it again when the lock is over',
  },
  {
    name: 'refund',
    options: { amount: 'text' },
    example: 'refund --amount 2',
    to: (options) => ['fund', 'withdraw', options.required('amount')],
    note: 'Asks providers for what the ledger lacks, and no more, and you before that: --yes answers',
  },
  {
    name: 'setup-network',
    example: 'setup-network',
    to: () => ['network', 'list'],
    note: 'Choose one with: 0g-compute network use <name>. Nothing is deleted',
  },
  { name: 'show-network', example: 'show-network', to: () => ['network', 'show'] },
  {
    name: 'login',
    options: { force: 'flag' },
    example: 'login',
    to: () => ['wallet', 'import'],
    note: 'The key is kept encrypted. The one of the present command line is taken over by: 0g-compute migrate',
  },
  {
    name: 'logout',
    example: 'logout',
    note: 'A wallet is an encrypted file: choose another one, or remove the file that wallet show names',
    next: '0g-compute wallet show',
  },
  { name: 'status', example: 'status', to: () => ['wallet', 'show'] },
  {
    name: 'web-ui start-web',
    options: { port: 'text', host: 'text' },
    example: 'web-ui start-web',
    note: 'There is no web page of ours: chat in the terminal, or point any OpenAI page at the proxy',
    next: '0g-compute chat',
  },
]

const fundedByCreate = (): AppError =>
  new AppError({
    code: 'command_moved',
    message: 'Money for fine-tuning moves when a task is created, with its exact price',
    hint: 'Nothing was sent',
    next: '0g-compute finetune create --help',
    exitCode: EXIT.usage,
  })
