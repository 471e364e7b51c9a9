import type { GbnfJsonBasicSchema, LlamaGrammar, LlamaGrammarEvaluationState } from 'node-llama-cpp'
import { type Body, isAbsent, isObject } from './fields.ts'
import { toGrammarSchema } from './jsonSchema.ts'
import type { LoadedModel } from './loadModel.ts'
import { badRequest } from './openAiError.ts'

/** Holds one answer to JSON, and sees when the JSON is complete. */
export class AnswerGrammar {
  readonly state: LlamaGrammarEvaluationState
  #text = ''

  constructor(loaded: LoadedModel, grammar: LlamaGrammar) {
    this.state = new loaded.nodeLlamaCpp.LlamaGrammarEvaluationState({ model: loaded.model, grammar })
  }

  /** Whether the answer is a whole object or array with this text: a grammar alone lets white space follow for ever. */
  isCompletedBy(text: string): boolean {
    this.#text += text
    return /[}\]]\s*$/.test(text) && isJson(this.#text)
  }
}

/**
 * What `response_format` asks for; undefined for text.
 *
 * @throws OpenAiError 400 for a format or a schema that cannot be guaranteed
 */
export async function readResponseFormat(
  loaded: LoadedModel,
  body: Body,
): Promise<AnswerGrammar | undefined> {
  const format = body.response_format
  if (isAbsent(format)) return undefined
  if (!isObject(format)) throw badRequest("'response_format' must be an object.", 'response_format')
  switch (format.type) {
    case 'text':
      return undefined
    case 'json_object':
      return new AnswerGrammar(loaded, await loaded.llama.getGrammarFor('json'))
    case 'json_schema':
      return new AnswerGrammar(loaded, await schemaGrammar(loaded, format.json_schema))
    default:
      throw badRequest("'response_format.type' must be text, json_object or json_schema.", 'response_format')
  }
}

async function schemaGrammar(loaded: LoadedModel, jsonSchema: unknown): Promise<LlamaGrammar> {
  const schema = isObject(jsonSchema) ? jsonSchema.schema : undefined
  const converted = toGrammarSchema(schema)
  try {
    return await loaded.llama.createGrammarForJsonSchema(converted as GbnfJsonBasicSchema)
  } catch {
    throw badRequest(
      'The JSON schema cannot be turned into a grammar.',
      'response_format',
      'unsupported_schema',
    )
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
