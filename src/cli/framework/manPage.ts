import type { CommandEntry } from '../commands.ts'
import { TOPICS } from '../helpTopics.ts'
import type { CommandDefinition } from './definition.ts'

/** A manual page of every command, for `man`. @see groff_man(7) */
export async function manPage(commands: readonly CommandEntry[]): Promise<string> {
  const sections = await Promise.all(
    commands.map(async (entry) => commandSection(entry, (await entry.load()).command)),
  )
  return [
    '.TH 0G\\-COMPUTE 1',
    '.SH NAME',
    '0g\\-compute \\- buy and sell verified AI inference on the 0G Compute Network',
    '.SH SYNOPSIS',
    '.B 0g\\-compute',
    '.I command',
    '.RI [ options ]',
    '.SH COMMANDS',
    ...sections,
    ...Object.entries(TOPICS).flatMap(([topic, body]) => [
      `.SH ${roff(topic.replaceAll('-', ' ').toUpperCase())}`,
      ...verbatim(body),
    ]),
    '',
  ].join('\n')
}

function commandSection({ name, summary }: CommandEntry, definition: CommandDefinition): string {
  const { args = [], options = [], examples, notes } = definition
  const usage = ['0g-compute', name, ...args.map(([arg]) => arg)].join(' ')
  return [
    `.SS ${roff(usage)}`,
    text(`${summary}.`),
    ...[...args, ...options].flatMap(([term, description]) => ['.TP', `.B ${roff(term)}`, text(description)]),
    ...(notes ? ['.PP', text(notes)] : []),
    ...verbatim(examples.join('\n')),
  ].join('\n')
}

const verbatim = (body: string): string[] => ['.PP', '.nf', '.RS 4', text(body.trimEnd()), '.RE', '.fi']

/** Lines of text: none of them is taken for a request. */
const text = (body: string): string =>
  body
    .split('\n')
    .map((line) => roff(line).replace(/^([.'])/, '\\&$1'))
    .join('\n')

/** Hyphens as typed, and what is not ASCII by its number: not every roff reads UTF-8. */
const roff = (line: string): string =>
  line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/[^\0-\u007f]/gu, (letter) => `\\[u${code(letter)}]`)

const code = (letter: string): string => letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
