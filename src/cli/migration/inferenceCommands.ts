import { given, type OldCommand } from './oldCommand.ts'

const PROVIDER = '0xf07240Efa67755B5311bc75784a061eDB47165Dd'
const NO_LOGS =
  'Our broker writes its log to stderr, where it was started; nothing of it goes over the network'

/** The group `inference`, alias `inf`. */
export const INFERENCE_COMMANDS: readonly OldCommand[] = [
  {
    name: 'inference list-providers',
    options: { 'include-invalid': 'flag' },
    example: 'inference list-providers',
    to: () => ['provider', 'list'],
    note: 'Lists all of them, not the first 50; --json for programs',
  },
  {
    name: 'inference list-providers-detail',
    options: { 'include-invalid': 'flag' },
    example: 'inference list-providers-detail',
    to: () => ['provider', 'list', '--sort', 'latency'],
    note: 'Measures each provider itself',
  },
  {
    name: 'inference get-models',
    options: { provider: 'text' },
    example: `inference get-models --provider ${PROVIDER}`,
    to: (options) => ['provider', 'show', options.required('provider')],
  },
  {
    name: 'inference acknowledge-provider',
    options: { provider: 'text' },
    example: `inference acknowledge-provider --provider ${PROVIDER}`,
    to: (options) => ['fund', '1', '--provider', options.required('provider')],
    note: 'The present one transfers 1 0G without saying so; this one shows it and asks',
  },
  {
    name: 'inference serve',
    options: { provider: 'text', port: 'text', host: 'text' },
    example: `inference serve --provider ${PROVIDER} --port 3000`,
    to: (options) => [
      'proxy',
      '--provider',
      options.required('provider'),
      '--port',
      options.text('port') ?? '3000',
      ...given('--host', options.text('host')),
    ],
    note: 'Listens on 127.0.0.1 unless told otherwise, wants its own token, bounds what a day may cost',
  },
  {
    name: 'inference router-serve',
    options: {
      'add-provider': 'list',
      'add-endpoint': 'list',
      'default-provider-priority': 'text',
      'default-endpoint-priority': 'text',
      port: 'text',
      host: 'text',
      'cache-duration': 'text',
      'request-timeout': 'text',
    },
    example: `inference router-serve --add-provider ${PROVIDER},10`,
    to: (options) => [
      'proxy',
      '--allow',
      options
        .list('add-provider')
        .map((entry) => entry.split(',')[0]!)
        .join(','),
      '--port',
      options.text('port') ?? '3000',
      ...given('--host', options.text('host')),
    ],
    note: 'Chooses by price, latency or verifiability (--sort); endpoints outside the network are not mixed in',
  },
  {
    name: 'inference download-report',
    options: { provider: 'text', output: 'text' },
    example: `inference download-report --provider ${PROVIDER} --output report.json`,
    to: (options) => [
      'provider',
      'verify',
      options.required('provider'),
      '--save',
      options.required('output'),
    ],
    note: 'Judges the evidence too',
  },
  {
    name: 'inference verify',
    options: { provider: 'text', 'output-dir': 'text' },
    example: `inference verify --provider ${PROVIDER}`,
    to: (options) => ['provider', 'verify', options.required('provider')],
    note: 'Checks the quote itself; exits with 10 when it is rejected, 11 when it is incomplete',
  },
  {
    name: 'inference get-secret',
    options: { provider: 'text', 'token-id': 'text', duration: 'text' },
    example: `inference get-secret --provider ${PROVIDER} --duration 86400000`,
    to: (options) => [
      'keys',
      'create',
      '--provider',
      options.required('provider'),
      ...given('--expires', lifetime(options.text('duration'))),
    ],
    note: 'Keys have names here, and numbers that are not used twice; without a duration 30 days',
  },
  {
    name: 'inference revoke-token',
    options: { provider: 'text', 'token-id': 'text' },
    example: `inference revoke-token --provider ${PROVIDER} --token-id 3`,
    note: 'Keys are revoked by name; one that the present command line made has none here: all of a provider are revoked with --all',
    next: '0g-compute keys list',
  },
  {
    name: 'inference revoke-all-tokens',
    options: { provider: 'text' },
    example: `inference revoke-all-tokens --provider ${PROVIDER}`,
    to: (options) => ['keys', 'revoke', '--all', '--provider', options.required('provider')],
  },
  {
    name: 'inference update-service',
    options: { url: 'text', model: 'text', 'input-price': 'text', 'output-price': 'text' },
    example: 'inference update-service --input-price 0.00000005',
    note: 'The broker registers what its configuration says; prices are in 0G per million tokens',
    next: '0g-compute provider price --help',
  },
  {
    name: 'inference remove-service',
    example: 'inference remove-service',
    to: () => ['provider', 'leave'],
    note: 'Stop the broker first, with provider stop --settle-all. Both services are removed, and both stakes come back',
  },
  ...['list-logs', 'download-log', 'view-log'].map((name) => ({
    name: `inference ${name}`,
    options: { component: 'text', filename: 'text', output: 'text', lines: 'text', tail: 'flag' } as const,
    example: `inference ${name}`,
    note: NO_LOGS,
    next: '0g-compute provider status',
  })),
]

/** Milliseconds as our options have a time; 0 is never. */
function lifetime(milliseconds: string | undefined): string | undefined {
  if (milliseconds === undefined) return undefined
  const seconds = Math.ceil(Number(milliseconds) / 1000)
  if (seconds === 0) return 'never'
  return seconds > 999_999 ? `${Math.ceil(seconds / 86_400)}d` : `${seconds}s`
}
