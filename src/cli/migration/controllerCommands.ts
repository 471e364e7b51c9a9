import type { OldCommand } from './oldCommand.ts'

const NAMES = [
  ...['status', 'restart', 'start', 'stop', 'get-config', 'update-config'],
  ...['list-admins', 'add-admin', 'remove-admin', 'list-ips', 'add-ip', 'remove-ip'],
  ...['image-info', 'update-images', 'reset-controller-endpoint'],
]

/** The group `controller`, alias `ctrl`: our broker is one process, which its own machine commands. */
export const CONTROLLER_COMMANDS: readonly OldCommand[] = NAMES.map((name) => ({
  name: `controller ${name}`,
  options: {
    container: 'text',
    type: 'text',
    config: 'text',
    output: 'text',
    decode: 'flag',
    address: 'text',
    ip: 'text',
    'controller-endpoint': 'text',
  },
  example: `controller ${name}`,
  note: 'The broker is one process: provider serve, status, price, settle and stop, on its machine',
  next: '0g-compute provider status',
}))
