import { createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join, normalize, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createInflateRaw } from 'node:zlib'
import { AppError, EXIT } from '../../base/errors.ts'

/** A file of an archive, as its directory at the end describes it. */
interface ZipEntry {
  readonly name: string
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly offset: number
}

const STORED = 0
const DEFLATED = 8
/** End of the central directory, without its comment. */
const END_BYTES = 22
const MAX_COMMENT = 65_535
const LOCATOR_BYTES = 20
const PIECE = 1024 * 1024
const MAX_DIRECTORY = 64 * 1024 * 1024

/**
 * Unpacks a zip file in constant memory; zip64 included, links and encryption not.
 * @throws AppError `model_zip_malformed`, also for names that lead out of the folder
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export async function unzip(path: string, folder: string): Promise<void> {
  const zip = await open(path, 'r')
  try {
    await mkdir(folder, { recursive: true })
    for (const entry of await readDirectory(zip)) {
      const target = join(folder, safeName(entry.name))
      if (entry.name.endsWith('/')) await mkdir(target, { recursive: true })
      else await extract(zip, entry, target)
    }
  } finally {
    await zip.close()
  }
}

async function extract(zip: FileHandle, entry: ZipEntry, target: string): Promise<void> {
  const header = await read(zip, entry.offset, 30)
  if (header.readUInt32LE(0) !== 0x04034b50) throw malformed('a file has no header')
  const begin = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
  await mkdir(dirname(target), { recursive: true })
  let size = 0
  let crc = 0
  const count = async function* (source: AsyncIterable<Buffer>) {
    for await (const bytes of source) {
      size += bytes.length
      if (size > entry.size) throw malformed(`${entry.name} is longer than it says`)
      crc = crc32(bytes, crc)
      yield bytes
    }
  }
  const packed = Readable.from(range(zip, begin, entry.packed), { objectMode: false })
  const out = createWriteStream(target, { mode: 0o600 })
  if (entry.method === STORED) await pipeline(packed, count, out)
  else if (entry.method === DEFLATED) await pipeline(packed, createInflateRaw(), count, out)
  else throw malformed(`${entry.name} is packed by method ${entry.method}`)
  if (size !== entry.size || crc !== entry.crc) throw malformed(`${entry.name} is not what was packed`)
}

async function readDirectory(zip: FileHandle): Promise<ZipEntry[]> {
  const { size } = await zip.stat()
  const tail = await read(
    zip,
    Math.max(0, size - END_BYTES - MAX_COMMENT),
    Math.min(size, END_BYTES + MAX_COMMENT),
  )
  const at = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (at < 0 || at + END_BYTES > tail.length) throw malformed('it has no directory')
  const place = await directoryPlace(zip, tail, at, size)
  if (place.bytes > MAX_DIRECTORY) throw malformed('its directory is too large')
  const directory = await read(zip, place.offset, place.bytes)
  const entries: ZipEntry[] = []
  for (let from = 0; entries.length < place.count; ) {
    if (from + 46 > directory.length || directory.readUInt32LE(from) !== 0x02014b50) {
      throw malformed('its directory is cut off')
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) =>
      directory.readUInt16LE(from + field),
    )
    const extraAt = from + 46 + nameBytes!
    const extra = directory.subarray(extraAt, extraAt + extraBytes!)
    entries.push(
      withZip64(extra, {
        name: directory.toString('utf8', from + 46, extraAt),
        method: directory.readUInt16LE(from + 10),
        crc: directory.readUInt32LE(from + 16),
        packed: directory.readUInt32LE(from + 20),
        size: directory.readUInt32LE(from + 24),
        offset: directory.readUInt32LE(from + 42),
      }),
    )
    from = extraAt + extraBytes! + commentBytes!
  }
  return entries
}

/** Where the directory is: in the record at the end, or in the zip64 record that a locator before it names. */
async function directoryPlace(zip: FileHandle, tail: Buffer, at: number, size: number) {
  const small = {
    count: tail.readUInt16LE(at + 10),
    bytes: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
  }
  const locatorAt = size - tail.length + at - LOCATOR_BYTES
  if (locatorAt < 0) return small
  const locator = await read(zip, locatorAt, LOCATOR_BYTES)
  if (locator.readUInt32LE(0) !== 0x07064b50) return small
  const record = await read(zip, Number(locator.readBigUInt64LE(8)), 56)
  if (record.readUInt32LE(0) !== 0x06064b50) throw malformed('its directory is not where it says')
  return {
    count: Number(record.readBigUInt64LE(32)),
    bytes: Number(record.readBigUInt64LE(40)),
    offset: Number(record.readBigUInt64LE(48)),
  }
}

/** Numbers that do not fit into 32 bits are in the extra field 1, in this order. */
function withZip64(extra: Buffer, entry: ZipEntry): ZipEntry {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue
    let from = at + 4
    const wide = (value: number): number => {
      if (value !== 0xffffffff) return value
      if (from + 8 > extra.length) throw malformed('a length is cut off')
      from += 8
      return Number(extra.readBigUInt64LE(from - 8))
    }
    const [size, packed, offset] = [wide(entry.size), wide(entry.packed), wide(entry.offset)]
    return { ...entry, size, packed, offset }
  }
  return entry
}

async function* range(zip: FileHandle, begin: number, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; at += PIECE) yield await read(zip, begin + at, Math.min(PIECE, bytes - at))
}

async function read(zip: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await zip.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) throw malformed('it ends too early')
    filled += bytesRead
  }
  return buffer
}

/** @throws AppError for an absolute name, one with `..`, or a drive */
function safeName(name: string): string {
  const path = normalize(name.replaceAll('\\', '/'))
  const isInside =
    path !== '..' && !path.startsWith(`..${sep}`) && !path.startsWith(sep) && !path.includes(':')
  if (isInside && !name.includes('\0')) return path
  throw malformed('a name in it leads out of its folder')
}

const malformed = (why: string): AppError =>
  new AppError({
    code: 'model_zip_malformed',
    message: `The delivered archive cannot be unpacked: ${why}`,
    hint: 'Its signature is right, so the provider packed it like that. Nothing of it was kept',
    exitCode: EXIT.malformed,
  })
