import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { unzip } from '../../../../src/client/finetune/unzip.ts'

const dir = mkdtempSync(join(tmpdir(), 'zg-unzip-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

interface Entry {
  readonly name: string
  readonly content: Buffer
  readonly method?: number
  readonly crc?: number
  readonly size?: number
  /** Writes lengths as zip64 does. */
  readonly wide?: boolean
}

/** A zip by the book (APPNOTE 4.3), with what a test wants wrong in it. */
function zipOf(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const {
    name,
    content,
    method = 8,
    crc = crc32(content),
    size = content.length,
    wide = false,
  } of entries) {
    const packed = method === 8 ? deflateRawSync(content) : content
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(method, 8)
    local.writeUInt16LE(Buffer.byteLength(name), 26)
    const extra = Buffer.alloc(wide ? 28 : 0)
    if (wide) {
      extra.writeUInt16LE(1, 0)
      extra.writeUInt16LE(24, 2)
      extra.writeBigUInt64LE(BigInt(size), 4)
      extra.writeBigUInt64LE(BigInt(packed.length), 12)
      extra.writeBigUInt64LE(BigInt(offset), 20)
    }
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt16LE(method, 10)
    central.writeUInt32LE(crc, 16)
    central.writeUInt32LE(wide ? 0xffffffff : packed.length, 20)
    central.writeUInt32LE(wide ? 0xffffffff : size, 24)
    central.writeUInt16LE(Buffer.byteLength(name), 28)
    central.writeUInt16LE(extra.length, 30)
    central.writeUInt32LE(wide ? 0xffffffff : offset, 42)
    parts.push(local, Buffer.from(name), packed)
    directory.push(central, Buffer.from(name), extra)
    offset += 30 + Buffer.byteLength(name) + packed.length
  }
  const bytes = directory.reduce((total, { length }) => total + length, 0)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(bytes, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, ...directory, end])
}

let count = 0
async function unpacked(zip: Buffer): Promise<string> {
  const file = join(dir, `${count++}.zip`)
  writeFileSync(file, zip)
  const folder = `${file}.out`
  await unzip(file, folder)
  return folder
}

describe('unzip', () => {
  const content = Buffer.from('weights '.repeat(300_000))

  it('unpacks stored and deflated files, in folders, with and without zip64', async () => {
    const folder = await unpacked(
      zipOf([
        { name: 'a.bin', content, method: 0 },
        { name: 'deep/er/b.bin', content },
        { name: 'wide.bin', content, wide: true },
        { name: 'empty', content: Buffer.alloc(0) },
      ]),
    )
    for (const name of ['a.bin', 'deep/er/b.bin', 'wide.bin']) {
      expect(readFileSync(join(folder, name)).equals(content)).toBe(true)
    }
    expect(readFileSync(join(folder, 'empty')).length).toBe(0)
  })

  it.skipIf(!hasPython())('unpacks what Python packs', async () => {
    const source = join(dir, 'source')
    mkdirSync(join(source, 'sub'), { recursive: true })
    writeFileSync(join(source, 'x.txt'), 'text')
    writeFileSync(join(source, 'sub', 'y.txt'), content)
    execFileSync('python3', [
      '-c',
      `import shutil; shutil.make_archive(${JSON.stringify(join(dir, 'py'))}, 'zip', ${JSON.stringify(source)})`,
    ])
    const folder = join(dir, 'py.out')
    await unzip(join(dir, 'py.zip'), folder)
    expect(readFileSync(join(folder, 'x.txt'), 'utf8')).toBe('text')
    expect(readFileSync(join(folder, 'sub/y.txt')).equals(content)).toBe(true)
  })

  it('refuses names that lead out of the folder', async () => {
    for (const name of ['../evil', '/evil', 'a/../../evil', '..\\evil', 'C:\\evil', 'a\0b']) {
      await expect(unpacked(zipOf([{ name, content }]))).rejects.toMatchObject({
        code: 'model_zip_malformed',
      })
    }
    expect(existsSync(join(dir, 'evil'))).toBe(false)
  })

  it('refuses what is cut off, changed, or grows beyond what it says', async () => {
    const whole = zipOf([{ name: 'a', content }])
    const wrong = [
      whole.subarray(0, whole.length - 30),
      Buffer.alloc(0),
      Buffer.from('no zip at all'),
      zipOf([{ name: 'a', content, crc: 1 }]),
      zipOf([{ name: 'a', content, size: 10 }]),
      zipOf([{ name: 'a', content, method: 12 }]),
    ]
    for (const zip of wrong)
      await expect(unpacked(zip)).rejects.toMatchObject({ code: 'model_zip_malformed' })
  })
})

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
