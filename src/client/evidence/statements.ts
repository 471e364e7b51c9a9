import { sha256 } from 'ethers/crypto'
import type { JSONWebKeySet } from 'jose'
import type { NvidiaVerifier } from '../../attestation/checkService.ts'
import type { VerifierOptions } from '../../attestation/verifyProvider.ts'
import { sha256Text } from '../../protocol/canonical.ts'
import { fetchCollateral, nvidiaVerifier } from '../evidenceSources.ts'
import type { Runtime } from '../runtime.ts'
import type { Statements } from './evidenceFile.ts'

/** Whom a verifier asks beside the provider: platform makers, asked directly. */
export type Sources = Pick<VerifierOptions, 'fetchCollateral' | 'nvidia'>

/** Asks Intel's cache and NVIDIA. */
export const onlineSources = (runtime: Runtime): Sources => ({
  fetchCollateral,
  nvidia: nvidiaVerifier(runtime),
})

/**
 * What was stated before, and where that says nothing the next source. Collateral is signed up to a root that the
 * verifier has; NVIDIA's keys are not, so those of a file count only for whoever wrote it.
 */
export function savedSources(
  saved: Statements,
  next: Sources | null,
  { isMine }: { readonly isMine: boolean },
): Sources {
  const others = next?.nvidia ?? NOBODY
  const savedKeys = isMine ? saved.nvidiaKeys : null
  return {
    fetchCollateral: async (quote) =>
      saved.collateral[sha256(quote.bytes)] ?? (await next?.fetchCollateral?.(quote)) ?? null,
    nvidia: {
      attest: async (payload) => saved.gpu[sha256Text(payload)] ?? (await others.attest(payload)),
      keys: async () => savedKeys ?? (await others.keys()),
    },
  }
}

/** Passes on what the sources say, and keeps it. */
export function recording(sources: Sources): { readonly sources: Sources; statements(): Statements } {
  const collateral: Record<string, unknown> = {}
  const gpu: Record<string, unknown> = {}
  let nvidiaKeys: JSONWebKeySet | null = null
  const others = sources.nvidia ?? NOBODY
  return {
    sources: {
      fetchCollateral: async (quote) => {
        const stated = (await sources.fetchCollateral?.(quote)) ?? null
        if (stated !== null) collateral[sha256(quote.bytes)] = stated
        return stated
      },
      nvidia: {
        attest: async (payload) => {
          const stated = await others.attest(payload)
          gpu[sha256Text(payload)] = stated
          return stated
        },
        keys: async () => {
          nvidiaKeys = await others.keys()
          return nvidiaKeys
        },
      },
    },
    statements: () => ({ collateral, gpu, nvidiaKeys }),
  }
}

const NOBODY: NvidiaVerifier = {
  attest: () => Promise.reject(new Error('offline')),
  keys: () => Promise.reject(new Error('offline')),
}
