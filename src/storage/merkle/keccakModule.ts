import {
  add,
  branchIf,
  type Code,
  call,
  end,
  get,
  greater,
  i32,
  loop,
  moduleOf,
  notEqual,
  type Program,
  set,
  subtract,
  tee,
  vector,
  when,
} from './wasm.ts'

/**
 * Keccak-256 of many short messages of one length, two at a time: one in each 64-bit lane of WebAssembly's
 * vectors. Node's own crypto does not have this hash, and a root needs one and a half for every 256 bytes.
 * @see https://keccak.team/keccak_specs_summary.html
 */
export interface Keccak {
  /** Hashes `count` messages of 256 bytes that follow one another at `from` into 32 bytes each at `to`. */
  leaves(from: number, count: number, to: number): void
  /** The same for messages of 64 bytes; `to` may be `from`. */
  nodes(from: number, count: number, to: number): void
  readonly memory: WebAssembly.Memory
}

/** Where callers may write: below it are the state and the round constants. */
export const FREE_MEMORY = 1024
const STATE = 0
const ROUND_CONSTANTS = 512
/** Words of 64 bits that a block of Keccak-256 takes in. */
const RATE_WORDS = 17

/** @param pages size of the memory in units of 64 KiB */
export function startKeccak(pages: number): Keccak {
  const bytes = moduleOf([permutation(), hashing('leaves', 256), hashing('nodes', 64)], pages)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  const keccak = instance.exports as unknown as Keccak
  new BigUint64Array(keccak.memory.buffer, ROUND_CONSTANTS, 24).set(roundConstants())
  return keccak
}

/** Keccak-f[1600] on the two states at `STATE`. Each round reads one set of words and writes the other. */
function permutation(): Program {
  const word = (set: number, x: number, y: number) => 25 * set + mod5(x) + 5 * mod5(y)
  const column = (x: number) => 50 + mod5(x)
  const mix = (x: number) => 55 + mod5(x)
  const turned = (x: number) => 60 + mod5(x)
  const scratch = 65
  const round = 66
  const code: number[] = []
  const emit = (...parts: Code[]) => code.push(...parts.flat())
  const rotate = (by: number): Code =>
    by === 0
      ? []
      : [
          ...[...tee(scratch), ...i32(by), ...vector.shiftLeft],
          ...[...get(scratch), ...i32(64 - by), ...vector.shiftRight, ...vector.or],
        ]

  const emitRound = (from: number, to: number, constant: number) => {
    // θ: what the parities of two columns change in the one between them
    for (let x = 0; x < 5; x++)
      emit(get(column(x + 1)), rotate(1), get(column(x - 1)), vector.xor, set(mix(x)))
    for (let y = 0; y < 5; y++) {
      // ρ and π: the five words that are moved to this row, turned. (x, y) goes to (y, 2x + 3y), and 3 · 2 = 1
      for (let x = 0; x < 5; x++) {
        const source = { x: mod5(3 * (y - 3 * x)), y: x }
        emit(get(word(from, source.x, source.y)), get(mix(source.x)), vector.xor)
        emit(rotate(ROTATIONS[source.x + 5 * source.y]!), set(turned(x)))
      }
      // χ, and ι on the first word; the next round's parities are taken on the way
      for (let x = 0; x < 5; x++) {
        emit(get(turned(x)), get(turned(x + 2)), get(turned(x + 1)), vector.andNot, vector.xor)
        if (x === 0 && y === 0) emit(get(round), vector.loadSplat(constant), vector.xor)
        emit(tee(word(to, x, y)), ...(y === 0 ? [] : [get(column(x)), vector.xor]), set(column(x)))
      }
    }
  }

  for (let i = 0; i < 25; i++) {
    emit(i32(STATE), vector.load(16 * i), tee(i))
    emit(...(i < 5 ? [] : [get(column(i)), vector.xor]), set(column(i)))
  }
  emit(i32(ROUND_CONSTANTS), set(round), loop)
  emitRound(0, 1, 0)
  emitRound(1, 0, 8)
  emit(get(round), i32(16), add, tee(round), i32(ROUND_CONSTANTS + 8 * 24), notEqual, branchIf, end)
  for (let i = 0; i < 25; i++) emit(i32(STATE), get(i), vector.store(16 * i))
  return { name: 'permute', parameters: 0, vectors: 66, integers: 1, code }
}

/** Hashes two messages in each turn; the last one alone is hashed twice and kept once. */
function hashing(name: string, length: number): Program {
  const [from, count, to, second] = [0, 1, 2, 3] as const
  const words = length / 8
  const code: number[] = []
  const emit = (...parts: Code[]) => code.push(...parts.flat())
  const message = (word: number): Code => [
    ...[...get(second), ...get(from), ...vector.loadSplat(8 * word), ...vector.loadLane(8 * word, 1)],
  ]
  const padding = (word: number): bigint =>
    (word === words ? 1n : 0n) | (word % RATE_WORDS === RATE_WORDS - 1 ? 1n << 63n : 0n)

  emit(loop)
  emit(
    get(from),
    set(second),
    get(count),
    i32(1),
    greater,
    when([...get(from), ...i32(length), ...add, ...set(second)]),
  )
  for (let start = 0; start <= words; start += RATE_WORDS) {
    for (let place = 0; place < 25; place++) {
      const word = start + place
      if (start > 0 && place >= RATE_WORDS) continue
      emit(i32(STATE))
      emit(
        place < RATE_WORDS && word < words
          ? message(word)
          : vector.splat(place < RATE_WORDS ? padding(word) : 0n),
      )
      if (start > 0) emit(i32(STATE), vector.load(16 * place), vector.xor)
      emit(vector.store(16 * place))
    }
    emit(call(0))
  }
  const digest = (lane: number): Code =>
    [0, 1, 2, 3].flatMap((word) => [
      ...[
        ...get(to),
        ...i32(STATE),
        ...vector.load(16 * word),
        ...vector.storeLane(32 * lane + 8 * word, lane),
      ],
    ])
  emit(digest(0), get(count), i32(1), greater, when(digest(1)))
  emit(get(from), i32(2 * length), add, set(from), get(to), i32(64), add, set(to))
  emit(get(count), i32(2), subtract, tee(count), i32(0), greater, branchIf, end)
  return { name, parameters: 3, vectors: 0, integers: 1, code }
}

const mod5 = (value: number): number => (value + 50) % 5

/** How far ρ turns the word (x, y), at x + 5y. */
const ROTATIONS = (() => {
  const offsets = Array<number>(25).fill(0)
  for (let t = 0, x = 1, y = 0; t < 24; t++) {
    offsets[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64
    ;[x, y] = [y, (2 * x + 3 * y) % 5]
  }
  return offsets
})()

/** ι's constants, from the shift register that defines them. */
function roundConstants(): BigUint64Array {
  const constants = new BigUint64Array(24)
  let register = 1
  for (let round = 0; round < 24; round++)
    for (let bit = 0; bit < 7; bit++) {
      if (register & 1) constants[round]! ^= 1n << BigInt(2 ** bit - 1)
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0)
    }
  return constants
}
