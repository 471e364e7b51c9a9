/** What is made, or why it cannot be: a row that is not sound stops its own user, and nobody else. */
export function soundOr<T>(make: () => T): T | Error {
  try {
    return make()
  } catch (error) {
    return error as Error
  }
}
