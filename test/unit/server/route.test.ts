import { describe, expect, it } from 'vitest'
import { routeOf } from '../../../src/provider/server/route.ts'

const codeOf = (method: string, target: string): string => {
  try {
    return routeOf(method, target).name
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('routes', () => {
  it.each([
    ['POST', '/v1/proxy/chat/completions', 'inference'],
    ['POST', '/v1/proxy/v1/chat/completions', 'inference'],
    ['POST', '/v1/proxy/completions', 'inference'],
    ['POST', '/v1/proxy/embeddings', 'inference'],
    ['OPTIONS', '/v1/proxy/chat/completions', 'preflight'],
    ['GET', '/v1/proxy/models', 'models'],
    ['GET', '/v1/models', 'models'],
    ['GET', '/v1/quote', 'quote'],
    ['GET', '/v1/quote?legacy=true', 'quote'],
    ['GET', '/healthz', 'health'],
    ['GET', `/v1/proxy/signature/${'aB'.repeat(16)}`, 'signature'],
    ['GET', `/v1/proxy/signature/chatcmpl-${'ab'.repeat(16)}?model=demo`, 'signature'],
    ['GET', `/v1/user/0x${'Ab'.repeat(20)}/unsettledfee`, 'unsettledFee'],
    ['GET', `/v1/user/0x${'ab'.repeat(20)}/receipts?after=3`, 'receipts'],
  ])('%s %s is %s', (method, target, name) => expect(codeOf(method, target)).toBe(name))

  it('takes a user in any case, and gives calls of contracts one that they take', () => {
    const user = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'
    for (const text of [user, user.toLowerCase(), user.replace('cD', 'CD')])
      expect(routeOf('GET', `/v1/user/${text}/receipts`)).toMatchObject({ user })
  })

  it('lower-cases the id of a signature', () => {
    const id = 'ab'.repeat(16)
    expect(routeOf('GET', `/v1/proxy/signature/${id.toUpperCase()}`)).toEqual({ name: 'signature', id })
  })

  it.each([
    '/v1/proxy/chat/completions/',
    '/v1/proxy//chat/completions',
    '//v1/proxy/chat/completions',
    '/v1/proxy/./chat/completions',
    '/v1/proxy/x/../chat/completions',
    '/v1/proxy/chat%2fcompletions',
    '/v1/proxy/%63hat/completions',
    '/v1/proxy/chat%2e/completions',
    '/v1/Proxy/chat/completions',
    '/v1/proxy/Chat/Completions',
    '/v1/proxy/v1/v1/chat/completions',
    '/v1/proxy/chat/completions;x',
    '/v1/proxy/chat/completions#x',
    '/v1/proxy/chat\\completions',
    '/v1/proxy/chat/completions\u0000',
    'http://127.0.0.1/v1/proxy/chat/completions',
    '/v1/proxy/tokenize',
    '/v1/proxy/internal/anything',
    '/v1/proxy/signature/xyz',
    '/v1/proxy/signature/../chat/completions',
    '/v1/proxy/attestation/report',
    '/v1/proxy/',
    '/v1/proxy',
    '/',
    '',
    '*',
  ])('refuses %s, by every method', (target) => {
    for (const method of [
      'GET',
      'POST',
      'PUT',
      'DELETE',
      'PATCH',
      'HEAD',
      'OPTIONS',
      'TRACE',
      'CONNECT',
      'X',
    ]) {
      expect(codeOf(method, target)).toBe('route_unknown')
    }
  })

  it('refuses query strings and other methods on what costs money', () => {
    expect(codeOf('POST', '/v1/proxy/chat/completions?x=1')).toBe('query_not_allowed')
    for (const method of ['GET', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'post', 'TRACE']) {
      expect(codeOf(method, '/v1/proxy/chat/completions')).toBe('method_not_allowed')
    }
  })
})
