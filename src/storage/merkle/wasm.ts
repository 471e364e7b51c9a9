/** The few parts of the WebAssembly binary format that the hash needs. @see https://webassembly.github.io/spec/core/binary/ */

export type Code = readonly number[]

export const I32 = 0x7f
export const V128 = 0x7b

/** Unsigned LEB128. */
export function unsigned(value: number): Code {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}

/** Signed LEB128. */
export function signed(value: bigint): Code {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    const byte = Number(rest & 127n)
    if (rest >= -64n && rest < 64n) return [...bytes, byte]
    bytes.push(byte | 0x80)
  }
}

export const get = (local: number): Code => [0x20, ...unsigned(local)]
export const set = (local: number): Code => [0x21, ...unsigned(local)]
export const tee = (local: number): Code => [0x22, ...unsigned(local)]
export const call = (index: number): Code => [0x10, ...unsigned(index)]

export const i32 = (value: number): Code => [0x41, ...signed(BigInt(value))]
export const add: Code = [0x6a]
export const subtract: Code = [0x6b]
export const greater: Code = [0x4a]
export const notEqual: Code = [0x47]

export const end: Code = [0x0b]
export const loop: Code = [0x03, 0x40]
export const branchIf: Code = [0x0d, 0x00]
export const when = (body: Code): Code => [0x04, 0x40, ...body, ...end]

/** An instruction of the vector extension, with its immediates. */
const simd = (opcode: number, ...immediates: number[]): Code => [0xfd, ...unsigned(opcode), ...immediates]
const memory = (offset: number): Code => [0, ...unsigned(offset)]

export const vector = {
  load: (offset: number): Code => simd(0x00, ...memory(offset)),
  store: (offset: number): Code => simd(0x0b, ...memory(offset)),
  /** The 64 bits at an address in both lanes. */
  loadSplat: (offset: number): Code => simd(0x0a, ...memory(offset)),
  /** Replaces one lane by the 64 bits at an address. */
  loadLane: (offset: number, lane: number): Code => simd(0x57, ...memory(offset), lane),
  storeLane: (offset: number, lane: number): Code => simd(0x5b, ...memory(offset), lane),
  /** The same 64 bits in both lanes. */
  splat: (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value)), ...simd(0x12)],
  andNot: simd(0x4f),
  or: simd(0x50),
  xor: simd(0x51),
  shiftLeft: simd(0xcb),
  shiftRight: simd(0xcd),
} as const

export interface Program {
  readonly parameters: number
  /** Locals beyond the parameters, all of type v128. */
  readonly vectors: number
  /** Locals after those, of type i32. */
  readonly integers: number
  readonly code: Code
  /** The name under which the module exports it. */
  readonly name: string
}

/** A module of these functions and a memory called `memory`, of so many pages of 64 KiB. */
export function moduleOf(programs: readonly Program[], pages: number): Uint8Array<ArrayBuffer> {
  const types = programs.map(({ parameters }) => [0x60, ...list(Array(parameters).fill([I32])), 0])
  const functions = programs.map((_, index) => unsigned(index))
  const exports = programs.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)])
  const bodies = programs.map((program) => sized(bodyOf(program)))
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(3, list(functions)),
    ...section(5, list([[0x00, ...unsigned(pages)]])),
    ...section(7, list([...exports, [...text('memory'), 0x02, 0]])),
    ...section(10, list(bodies)),
  ])
}

const bodyOf = ({ vectors, integers, code }: Program): Code => [
  ...list([
    [...unsigned(vectors), V128],
    [...unsigned(integers), I32],
  ]),
  ...code,
  ...end,
]
const sized = (code: Code): Code => [...unsigned(code.length), ...code]
const list = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
const text = (name: string): Code => sized([...new TextEncoder().encode(name)])
const section = (id: number, content: Code): Code => [id, ...sized(content)]
