import { createInterface } from 'node:readline'

const PROMPT = '> '

/**
 * Lines that are typed or piped. A prompt is shown on a terminal only, and while nothing else is under way. There
 * Ctrl-C ends the lines; while something is under way it interrupts that, as it would without them.
 */
export async function* linesOf(signal: AbortSignal): AsyncGenerator<string> {
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true
  const lines = createInterface({
    input: process.stdin,
    output: isTerminal ? process.stderr : undefined,
    terminal: isTerminal,
    signal,
  })
  lines.setPrompt(PROMPT)
  let isBusy = false
  lines.on('SIGINT', () => {
    if (isBusy) process.emit('SIGINT')
    else lines.close()
  })
  try {
    if (isTerminal) lines.prompt()
    for await (const line of lines) {
      isBusy = true
      yield line
      isBusy = false
      if (isTerminal) lines.prompt()
    }
  } finally {
    lines.close()
  }
}
