import pino from 'pino'
import { safeEvent, safeFields } from './logFields.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Fields of a log line. Only figures, ids, addresses and codes: never contents, keys or tokens. */
export type LogFields = Readonly<Record<string, string | number | boolean | bigint | null | undefined>>

export interface Logger {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

/**
 * A logger that writes one JSON object a line. Texts pass only under names, and in shapes, that `logFields.ts`
 * lists: contents, keys and tokens cannot be written, whoever calls.
 */
export function jsonLogger(write: (line: string) => void, level: LogLevel = 'info'): Logger {
  return loggerOf({ write }, level)
}

/** The same to a file descriptor, without waiting for it; what is left is written when the process ends. */
export function fileLogger(fd: number, level: LogLevel = 'info'): Logger {
  const destination = pino.destination({ fd, sync: false })
  process.once('exit', () => destination.flushSync())
  return loggerOf(destination, level)
}

function loggerOf(destination: pino.DestinationStream, level: LogLevel): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    messageKey: 'event',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  }
  const lines = pino(options, destination)
  const at = (name: LogLevel) => {
    if (!lines.isLevelEnabled(name)) return () => {}
    return (event: string, fields: LogFields = {}) => lines[name](safeFields(fields), safeEvent(event))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
