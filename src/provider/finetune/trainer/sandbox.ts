import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

/** How a program is started so that it reaches nothing but its own folder. */
export interface Sandbox {
  /** `user`: of its own user, in namespaces of its own; `namespace`: those alone; `process`: neither can be had here. */
  readonly level: 'user' | 'namespace' | 'process'
  /** Owner of the job's folder, null for the broker's own user. */
  readonly uid: number | null
  /** What applies, for people. */
  readonly measures: readonly string[]
  /** The command that runs another one inside. */
  wrap(command: readonly string[]): readonly string[]
}

export interface SandboxOptions {
  /** A command that has to work inside, such as the trainer's Python. */
  readonly probe: readonly string[]
  /** Folders and files that must not be seen inside: the ledger, keys, sockets that give out keys. */
  readonly hide: readonly string[]
}

const NOBODY = 65534
const PROBE_MS = 60_000
const ALWAYS = ['no secrets in its environment', 'no core dumps']
const NAMESPACES = ['no network', 'own process table', "the broker's folders hidden", 'no privileges']

/** Hides folders and files, then gives up every privilege for good and becomes the program. */
const INSIDE = [
  'ulimit -c 0',
  'ip link set lo up 2>/dev/null',
  'while [ "$1" != -- ]; do',
  '  if [ -d "$1" ]; then mount -t tmpfs -o size=4k,mode=755 none "$1" || exit 126',
  '  elif [ -e "$1" ]; then mount --bind /dev/null "$1" || exit 126',
  '  fi; shift',
  'done',
  'shift',
  'exec "$@"',
].join('\n')

const LIMITED = 'ulimit -c 0; exec "$@"'

/** The strictest of the ways that this machine allows, found by trying them. */
export async function findSandbox({ probe, hide }: SandboxOptions): Promise<Sandbox> {
  for (const sandbox of process.platform === 'linux' ? linuxSandboxes(hide) : []) {
    if (await works(sandbox.wrap(probe))) return sandbox
  }
  return { level: 'process', uid: null, measures: ALWAYS, wrap: plain }
}

function linuxSandboxes(hide: readonly string[]): Sandbox[] {
  const measures = [...NAMESPACES, ...ALWAYS]
  if (process.getuid?.() !== 0)
    return [
      {
        level: 'namespace',
        uid: null,
        measures,
        wrap: namespaces(['--user', '--map-root-user'], [], hide),
      },
    ]
  const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
  return [
    { level: 'user', uid: NOBODY, measures: ['own user', ...measures], wrap: namespaces([], ids, hide) },
    { level: 'namespace', uid: null, measures, wrap: namespaces([], [], hide) },
  ]
}

const namespaces =
  (outer: readonly string[], ids: readonly string[], hide: readonly string[]) =>
  (command: readonly string[]): readonly string[] => [
    ...['unshare', ...outer, '--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child'],
    ...['--mount-proc', 'sh', '-c', INSIDE, 'sh', ...hide, '--'],
    ...['setpriv', ...ids, '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', ...command],
  ]

const plain = (command: readonly string[]): readonly string[] =>
  existsSync('/bin/sh') ? ['/bin/sh', '-c', LIMITED, 'sh', ...command] : command

async function works([file, ...args]: readonly string[]): Promise<boolean> {
  const options = { timeout: PROBE_MS, env: { PATH: process.env.PATH ?? '' } }
  return promisify(execFile)(file!, args, options).then(
    () => true,
    () => false,
  )
}
