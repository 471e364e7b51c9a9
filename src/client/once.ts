/** Makes something when it is first asked for, and then gives the same. A failure is not kept: the next one tries again. */
export function once<A extends unknown[], T>(
  make: (...args: A) => Promise<T> | T,
): (...args: A) => Promise<T> {
  let made: Promise<T> | undefined
  return (...args) => {
    made ??= (async () => make(...args))().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}
