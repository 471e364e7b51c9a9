import { AppError, type ErrorObject } from '../../base/errors.ts'
import { readAdminFile } from './adminFile.ts'

/**
 * Asks the broker that runs from a data folder.
 * @throws AppError `provider_not_running`, and whatever the broker answers
 */
export async function askBroker<T>(
  dataDir: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<T> {
  const { url, token } = readAdminFile(dataDir)
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body && { body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    throw noAnswer(cause)
  })
  const answer = (await response.json()) as T & { error?: ErrorObject }
  if (!response.ok && answer.error) throw new AppError(answer.error)
  return answer
}

/** Its file is there, as after a `kill -9`. */
const noAnswer = (cause: unknown): AppError =>
  new AppError({
    code: 'provider_not_running',
    message: 'The broker of this data folder does not answer',
    hint: 'It may have been killed. Nothing is lost: what it charged is in its ledger, and the next start goes on with it',
    next: '0g-compute provider serve',
    cause,
  })
