import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { PrivateKey } from 'eciesjs'
import { filePieces } from '../../src/storage/filePieces.ts'

/**
 * What is done to a file of any size in constant memory. A program of its own, for its memory is measured, and
 * each kind of work loads what it needs.
 */
const KEY = new Uint8Array(32).fill(7)

const WORK: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  nothing: async () => undefined,
  root: async (file) => (await import('../../src/storage/merkle/rootOf.ts')).rootOfFile(file),
  encrypt: async (file) => {
    const { encryptArtifact } = await import('../../src/storage/artifact/encryptArtifact.ts')
    const { signDigest } = await import('../../src/protocol/signature.ts')
    const sign = (digest: `0x${string}`) => signDigest(KEY, digest)
    return encryptArtifact({ plaintext: filePieces(file), target: `${file}.artifact`, key: KEY, sign })
  },
  decrypt: async (file) => {
    const { decryptArtifact } = await import('../../src/storage/artifact/decryptArtifact.ts')
    const { addressOf } = await import('../../src/protocol/signature.ts')
    const source = `${file}.artifact`
    return decryptArtifact({ source, target: `${file}.out`, key: KEY, signer: addressOf(KEY) })
  },
  seal: async (file) => {
    const { sealFile } = await import('../../src/protocol/finetune/sealedFile.ts')
    await write(sealFile(new PrivateKey(KEY).publicKey.toBytes(), KEY, filePieces(file)), `${file}.sealed`)
  },
  open: async (file) => {
    const { openFile } = await import('../../src/protocol/finetune/sealedFile.ts')
    await write(openFile(KEY, filePieces(`${file}.sealed`)), `${file}.out`)
  },
}

async function write(source: AsyncIterable<Uint8Array>, target: string): Promise<void> {
  const file = await open(target, 'w')
  for await (const bytes of source) await file.writeFile(bytes)
  await file.close()
}

const [work, file] = process.argv.slice(2) as [string, string]
const startedAt = performance.now()
await WORK[work]!(file)
const seconds = (performance.now() - startedAt) / 1000
console.log(JSON.stringify({ peak: peakMemory(), seconds }))

/** Bytes. Of Linux's own account of this program: the other one begins with what its parent had. */
function peakMemory(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024
}
