/** Keeps between processes what can be asked for again. What is not there, or cannot be read, is null. */
export interface Cache {
  /** Names are lower-case letters, digits and dashes. */
  read(name: string): unknown
  /** Bigints are kept as such. What cannot be written is not kept. */
  write(name: string, value: object): void
  forget(name: string): void
}
