import { readFile } from 'node:fs/promises'
import { FileTurn } from './fileTurn.ts'
import { replaceFile } from './replaceFile.ts'

/** A file of text that processes share: readable by its owner alone, replaced as a whole, changed by one at a time. */
export class StateFile {
  readonly path: string
  readonly #turn: FileTurn

  constructor(path: string) {
    this.path = path
    this.#turn = new FileTurn(`${path}.lock`)
  }

  /** @returns null where there is none */
  async read(): Promise<string | null> {
    try {
      return await readFile(this.path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  /**
   * On disk when it resolves. What is thrown by the change leaves the file as it was.
   * @returns what is in it now
   */
  change(change: (text: string | null) => string): Promise<string> {
    return this.#turn.run(async () => {
      const text = change(await this.read())
      await replaceFile(this.path, text)
      return text
    })
  }
}
