import { EXIT } from '../base/errors.ts'
import { SETTINGS } from './framework/settings.ts'

const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: 'done',
  failed: 'failed',
  usage: 'wrong usage, a question without a terminal to ask it on, or answered no',
  noKey: 'no key, or it cannot be opened',
  noFunds: 'not enough money, or more than the limit that was set',
  rejected: 'verification rejected: something contradicts what was signed or agreed',
  incomplete: 'verification incomplete: nothing wrong was found, something could not be checked',
  unsupported: 'not supported there',
  malformed: 'malformed input',
  interrupted: 'interrupted; the same command goes on from there',
}

const exitCodes = `Exit codes
${Object.entries(EXIT)
  .map(([name, code]) => `  ${String(code).padStart(3)}  ${EXIT_MEANINGS[name as keyof typeof EXIT]}`)
  .join('\n')}
`

const environment = `Environment
${Object.entries(SETTINGS)
  .map(([name, { env, description }]) => line(env, `${description} (setting ${name})`))
  .join('\n')}
${line('ZG_PRIVATE_KEY_FILE', 'file that holds the private key; chmod 600 it')}
${line('ZG_PRIVATE_KEY', 'the private key itself')}
${line('ZG_PASSWORD_FILE', 'file that holds the password of the wallet')}
${line('ZG_PASSWORD', 'the password itself')}
${line('ZG_IMPORT_PASSWORD', 'password of the keystore that wallet import --keystore reads')}
${line('ZG_HOME', 'one folder for configuration, wallets, receipts, devnet; otherwise the XDG folders')}
${line('ZG_DEVNET_DIR', "the devnet's folder")}
${line('ZG_PROVIDER_CONFIG', "a broker's configuration file (--config)")}
${line('ZG_PROVIDER_…', 'a value of that file: ZG_PROVIDER_LISTEN_PORT is listen.port')}
${line('NO_COLOR', 'no colour')}
${line('FORCE_COLOR, CLICOLOR_FORCE', 'colour also where there is no terminal')}
${line('CLICOLOR', '0: no colour')}

Which value counts: the flag, then the environment, then ${'`.0g-compute.json`'} in
this folder or one above (network, model, provider and max-cost only), then the
user configuration, then the default.
See them with 0g-compute config list --show-origin.
`

const trust = `Trust
  An answer is accepted when all of this holds:
  - its text is signed by the signer that is on chain for the provider;
  - the signed request and response hashes are those of the bytes sent and received here;
  - the receipt is signed by that signer for this chain, contract, provider, user and answer;
  - model and prices are those agreed to, and the fee is counts times prices;
  - the counts are not above what the bytes sent and delivered allow;
  - the receipt's total fits every other receipt of this user known here.
  Anything that contradicts: rejected, exit 10.
  Something that could not be checked: incomplete, exit 11.

  Assurance says what stands behind the signer's key:
  - tdx        Intel's hardware, checked
  - simulated  a devnet on this machine: proves nothing, shows how it works
  - none       evidence missing or not checked, or there is no TEE
  0g-compute provider verify <address> shows every step of that check; --policy says what has to hold.

  A provider without a TEE is asked only when you name it (--provider). Its
  answers are never accepted: the best verdict is incomplete, exit 11 (--accept
  incomplete: exit 0), and its machine reads your requests. It is paid by
  vouchers: before each answer a session key of this client signs the most that
  it can cost, over what was checked here before. So it can take at most what one
  answer under way may cost too much; what contradicts its proof, or is not
  explained, is not signed for. The key lies in the state folder (vouchers/, mode
  0600), is good at that provider alone, and up to the cap that you delegated.

  What this does not show: that the model is good, that the enclave's program is
  honest where nobody read it, or who else reads along where the connection ends
  outside the enclave.
`

function line(name: string, text: string): string {
  return `  ${name.padEnd(30)}  ${text}`
}

/** Help that belongs to no command. */
export const TOPICS: Readonly<Record<string, string>> = { 'exit-codes': exitCodes, environment, trust }
