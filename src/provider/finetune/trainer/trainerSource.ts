import { fileURLToPath } from 'node:url'

/** The Python trainer that comes with this package. */
export const TRAINER_SOURCE = fileURLToPath(new URL('../../../../trainer', import.meta.url))
