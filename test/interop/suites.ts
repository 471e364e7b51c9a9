import { broker, proxy } from './openai/suites.ts'
import { cli as ourCli } from './ours-on-theirs/cli.ts'
import { debts } from './ours-on-theirs/debts.ts'
import { finetune as ourFineTuning } from './ours-on-theirs/finetune.ts'
import { library as ourLibrary } from './ours-on-theirs/library.ts'
import type { Suite } from './support/suite.ts'
import { cli as theirCli } from './theirs-on-ours/cli.ts'
import { finetune as theirFineTuning } from './theirs-on-ours/finetune.ts'
import { library as theirLibrary } from './theirs-on-ours/library.ts'

/** Everything that `npm run interop` shows. */
export const SUITES: readonly Suite[] = [
  ...[ourLibrary, debts, ourCli, ourFineTuning],
  ...[theirLibrary, theirCli, theirFineTuning],
  ...[broker, proxy],
]
