import { describe, expect, it } from 'vitest'
import { nvidiaVerifier } from '../../../src/client/evidenceSources.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import type { HttpRequest, Runtime } from '../../../src/client/runtime.ts'

/** Records what would be sent, and to whom. */
function recording(status: number, body: string) {
  const sent: HttpRequest[] = []
  const runtime: Runtime = {
    ...nodeRuntime(),
    async request(request) {
      sent.push(request)
      const bytes = async function* () {
        yield new TextEncoder().encode(body)
      }
      return { status, header: () => null, tlsKey: null, body: bytes() }
    },
  }
  return { runtime, sent }
}

describe("NVIDIA's verifier", () => {
  it('is asked directly, with the payload as it came', async () => {
    const { runtime, sent } = recording(200, '[["JWT","a"],{}]')
    const nvidia = nvidiaVerifier(runtime)
    expect(await nvidia.attest('{"nonce":"ab"}')).toEqual([['JWT', 'a'], {}])
    await nvidia.keys()
    expect(sent.map(({ method, url }) => [method, new URL(url).host])).toEqual([
      ['POST', 'nras.attestation.nvidia.com'],
      ['GET', 'nras.attestation.nvidia.com'],
    ])
    expect(new TextDecoder().decode(sent[0]!.body)).toBe('{"nonce":"ab"}')
  })

  it.each([
    [500, '{}'],
    [200, 'nothing'],
  ])('that answers %i %s has not answered', async (status, body) => {
    await expect(nvidiaVerifier(recording(status, body).runtime).attest('{}')).rejects.toThrow()
  })
})
