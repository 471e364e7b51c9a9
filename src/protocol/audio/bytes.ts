/** Four letters of a file, as its format names its parts. */
export function nameAt(file: Uint8Array, at: number): string {
  // Without an array: somebody may have written millions of parts.
  return String.fromCharCode(file[at]!, file[at + 1]!, file[at + 2]!, file[at + 3]!)
}

export const viewOf = (file: Uint8Array): DataView =>
  new DataView(file.buffer, file.byteOffset, file.byteLength)
