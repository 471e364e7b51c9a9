import { AppError, EXIT } from '../../base/errors.ts'
import { NUMBER_PARAMETERS, OTHER_PARAMETERS } from './parameterTable.ts'

/** `network`: exactly the deployed network's five, in its ranges; `wide`: all of the trainer's, all optional. */
export type ParameterProfile = 'network' | 'wide'
export type ParameterValue = number | boolean | string
export type TrainingParameters = Readonly<Record<string, ParameterValue>>

/** What is wrong with one parameter. */
export interface ParameterProblem {
  readonly code: 'parameter_unknown' | 'parameter_missing' | 'parameter_invalid' | 'parameter_out_of_range'
  readonly name: string
  readonly message: string
}

/** The deployed network's five keys. @see provider-broker.md section 2.6 */
export const NETWORK_PARAMETERS: readonly string[] = Object.entries(NUMBER_PARAMETERS)
  .filter(([, { network }]) => network)
  .map(([name]) => name)

export const PARAMETER_NAMES: readonly string[] = [
  ...Object.keys(NUMBER_PARAMETERS),
  ...Object.keys(OTHER_PARAMETERS),
]

/** Everything that is wrong, in the order in which it was given. */
export function parameterProblems(given: TrainingParameters, profile: ParameterProfile): ParameterProblem[] {
  const known = profile === 'network' ? NETWORK_PARAMETERS : PARAMETER_NAMES
  const wrong = Object.entries(given).flatMap(([name, value]): ParameterProblem[] => {
    if (!known.includes(name)) {
      return [problem('parameter_unknown', name, `is not a parameter; there are ${known.join(', ')}`)]
    }
    return problemOf(name, value, profile)
  })
  if (profile === 'wide') return wrong
  const missing = NETWORK_PARAMETERS.filter((name) => !Object.hasOwn(given, name))
  return [
    ...wrong,
    ...missing.map((name) =>
      problem('parameter_missing', name, `is missing: the network takes exactly ${known.join(', ')}`),
    ),
  ]
}

/**
 * Makes sure that a provider will take the parameters.
 * @throws AppError `parameter_unknown`, `parameter_missing`, `parameter_invalid`, `parameter_out_of_range`
 */
export function checkParameters(given: TrainingParameters, profile: ParameterProfile): void {
  const problems = parameterProblems(given, profile)
  const [first] = problems
  if (!first) return
  throw new AppError({
    code: first.code,
    message: problems.map(({ message }) => message).join('; '),
    hint: 'Nothing was sent and nothing was paid',
    next: '0g-compute finetune create --help',
    exitCode: EXIT.malformed,
    status: 400,
    details: { problems },
  })
}

/**
 * Reads `trainingParams`.
 * @throws AppError `parameter_invalid` when it is no JSON object of numbers, booleans and strings
 */
export function parseParameters(text: string): TrainingParameters {
  const value = parseJson(text)
  const isFlat =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((item) => ['number', 'boolean', 'string'].includes(typeof item))
  if (isFlat) return value as TrainingParameters
  throw new AppError({
    code: 'parameter_invalid',
    message: 'The parameters are not a JSON object of numbers, booleans and strings',
    hint: 'For example {"num_train_epochs": 3, "learning_rate": 0.0002}',
    exitCode: EXIT.malformed,
    status: 400,
  })
}

/** The text for `trainingParams`: numbers in decimal notation, which is all that deployed trainers read. */
export function parametersText(parameters: TrainingParameters): string {
  const fields = Object.entries(parameters).map(([name, value]) => {
    const text = typeof value === 'number' ? decimal(value) : JSON.stringify(value)
    return `${JSON.stringify(name)}:${text}`
  })
  return `{${fields.join(',')}}`
}

/** Passes over the dataset that are paid for. */
export const epochsOf = (parameters: TrainingParameters): number =>
  (parameters.num_train_epochs as number | undefined) ?? NUMBER_PARAMETERS.num_train_epochs!.default

function problemOf(name: string, value: ParameterValue, profile: ParameterProfile): ParameterProblem[] {
  const number = NUMBER_PARAMETERS[name]
  if (number) {
    if (typeof value !== 'number' || !Number.isFinite(value) || (number.whole && !Number.isInteger(value))) {
      const kind = number.whole ? 'a whole number' : 'a number'
      return [problem('parameter_invalid', name, `must be ${kind}, not ${JSON.stringify(value)}`)]
    }
    const [low, high] = (profile === 'network' && number.network) || number.range
    const isGap = number.gap !== undefined && value > number.gap[0] && value < number.gap[1]
    if (value >= low && value <= high && !isGap) return []
    const but = number.gap ? `, ${number.gap[0]} or at least ${number.gap[1]}` : ''
    return [problem('parameter_out_of_range', name, `must be from ${low} to ${high}${but}, not ${value}`)]
  }
  const other = OTHER_PARAMETERS[name]!
  if (typeof value !== typeof other.default) {
    const kind = typeof other.default === 'boolean' ? 'true or false' : 'a string'
    return [problem('parameter_invalid', name, `must be ${kind}, not ${JSON.stringify(value)}`)]
  }
  if (other.options && !other.options.includes(value as string)) {
    return [problem('parameter_invalid', name, `must be one of ${other.options.join(', ')}, not ${value}`)]
  }
  if (name === 'lora_targets' && (value as string).split(',').some((part) => part.trim() === '')) {
    return [problem('parameter_invalid', name, 'must name at least one module')]
  }
  return []
}

const problem = (code: ParameterProblem['code'], name: string, what: string): ParameterProblem => ({
  code,
  name,
  message: `${name} ${what}`,
})

/** A double's shortest decimal form, without an exponent. */
function decimal(value: number): string {
  const text = String(value)
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (!match) return text
  const [, sign, whole, fraction = '', exponent] = match
  const shift = Number(exponent)
  if (shift >= 0) return `${sign}${whole}${fraction.padEnd(shift, '0')}`
  return `${sign}0.${'0'.repeat(-shift - 1)}${whole}${fraction}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
