import { open, rename } from 'node:fs/promises'

/** Writes a file for its owner alone, as a whole: a kill leaves the old one or the new. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}
