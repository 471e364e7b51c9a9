import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'

const PROGRAM = join(import.meta.dirname, '../../bin/0g-compute.js')
export const COLUMNS = 80
const ROWS = 50

export const hasTmux = (() => {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** A person's terminal, with a shell in it. */
export interface Terminal {
  /** Types our command with these words. */
  run(words: string): void
  /** Types, and presses Enter. */
  type(text: string): void
  /** Presses a key: `C-d`. */
  press(key: string): void
  clear(): void
  /** What it shows, and showed above; with escape sequences. */
  screen(): string
  /** Waits until it shows this. */
  sees(pattern: RegExp, timeoutMs?: number): Promise<void>
  /** The lines as they were written: one that the terminal had to break is longer than the terminal. */
  lines(): string[]
  close(): void
}

let opened = 0

/** Opens a terminal of 80 columns, without colour. */
export function openTerminal(env: Readonly<Record<string, string>>): Terminal {
  const socket = `zg-${process.pid}-${opened++}`
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-L', socket, ...args], { encoding: 'utf8' })
  const set = Object.entries({ ...env, NO_COLOR: '1', PS1: '$ ' })
  const variables = set.flatMap(([name, value]) => ['-e', `${name}=${value}`])
  tmux('new-session', '-d', '-x', String(COLUMNS), '-y', String(ROWS), ...variables, 'sh')
  const type = (text: string) => void tmux('send-keys', text, 'Enter')
  const screen = () => tmux('capture-pane', '-p', '-e', '-S', '-500')
  return {
    run: (words) => type(`'${process.execPath}' '${PROGRAM}' ${words}`),
    type,
    press: (key) => void tmux('send-keys', key),
    clear: () => {
      tmux('send-keys', '-R')
      tmux('clear-history')
    },
    screen,
    sees: (pattern, timeout = 60_000) => expect.poll(screen, { timeout, interval: 100 }).toMatch(pattern),
    lines: () =>
      tmux('capture-pane', '-p', '-J', '-S', '-500')
        .split('\n')
        .map((line) => line.trimEnd()),
    close: () => {
      try {
        tmux('kill-server')
      } catch {
        // it ended with its shell
      }
    },
  }
}
