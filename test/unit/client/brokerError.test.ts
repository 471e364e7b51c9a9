import { describe, expect, it } from 'vitest'
import { EXIT } from '../../../src/base/errors.ts'
import { brokerError } from '../../../src/client/brokerError.ts'

const body = (error: unknown) => JSON.stringify({ error })

describe('brokerError', () => {
  it('keeps code, words and figures of a broker of ours', () => {
    const error = brokerError(
      402,
      body({
        message: '1 0G missing',
        code: 'balance_insufficient',
        hint: 'Fund the provider',
        next: '0g-compute fund 1 --provider 0x5FbDB2315678afecb367f032d93F642f64180aa3',
        retryable: false,
        details: { shortfall: '1' },
      }),
    )
    expect(error.toObject()).toEqual({
      code: 'balance_insufficient',
      message: '1 0G missing',
      hint: 'Fund the provider',
      next: '0g-compute fund 1 --provider 0x5FbDB2315678afecb367f032d93F642f64180aa3',
      retryable: false,
      details: { shortfall: '1' },
    })
    expect(error.exitCode).toBe(EXIT.noFunds)
  })

  it.each([
    [400, '{"error":{"message":"no"}}', 'provider_http_400', EXIT.malformed, false],
    [401, '', 'provider_http_401', EXIT.failed, false],
    [429, '<html>', 'provider_http_429', EXIT.failed, true],
    [503, 'null', 'provider_http_503', EXIT.failed, true],
  ])('makes an error of status %s without ours', (status, text, code, exitCode, retryable) => {
    expect(brokerError(status, text)).toMatchObject({ code, exitCode, retryable })
  })

  it.each(['context_length_exceeded', 'unsupported_parameter', 'constructor'])(
    'says what helps where an engine refuses with %s, and says nothing itself',
    (code) => {
      const error = brokerError(400, body({ message: 'no', code }))
      expect(error).toMatchObject({ code, next: '0g-compute provider list', exitCode: EXIT.malformed })
      expect(error.hint).toMatch(
        code === 'constructor' ? /^Change the request/ : /What was paid in stays yours$/,
      )
    },
  )

  it('lets no stranger write to the terminal or suggest a command that is not ours', () => {
    const error = brokerError(
      500,
      body({
        message: `bad\u001b[2J\u0007${'x'.repeat(1000)}`,
        code: 'Weird Code',
        next: '0g-compute fund 1; rm -rf /',
      }),
    )
    expect(error.message).not.toMatch(/\p{Cc}/u)
    expect(error.message.length).toBeLessThanOrEqual(500)
    expect(error.code).toBe('provider_http_500')
    expect(error.next).toBe('0g-compute provider list')
    expect(brokerError(500, body({ next: 'curl evil' })).next).toBe('0g-compute provider list')
  })
})
