/** Below it lie the routes of fine-tuning; the service is registered with it. */
export const FINE_TUNING_PREFIX = '/finetune'
/** Where the deployed network's clients find adapters: beside inference, with its API keys. */
export const ADAPTERS_PATH = '/v1/lora/adapters'

const isBelow = (target: string, path: string): boolean =>
  target.startsWith(path) && ['', '/', '?'].includes(target.charAt(path.length))

/** Whether a request is about the models of customers. */
export const isAboutAdapters = (target: string): boolean => isBelow(target, ADAPTERS_PATH)

/** Whether a request is for the part of a broker that fine-tunes. */
export const isFineTuning = (target: string): boolean =>
  isBelow(target, FINE_TUNING_PREFIX) || isAboutAdapters(target)
