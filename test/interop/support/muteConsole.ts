const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const

/** Keeps what the published library prints out of our output. @returns what ends that */
export function muteConsole(): () => void {
  const before = METHODS.map((method) => console[method])
  for (const method of METHODS) console[method] = () => {}
  return () => {
    for (const [i, method] of METHODS.entries()) console[method] = before[i]!
  }
}
