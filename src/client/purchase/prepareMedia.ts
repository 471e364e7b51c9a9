import { audioSeconds, billableSeconds } from '../../protocol/audio/index.ts'
import { encodeForm, type Form, fileField, textField, withoutFileNames, withText } from '../media/form.ts'
import type { Offer } from '../offers.ts'
import { tooDear } from '../reservation.ts'
import type { MediaEndpoint } from './endpoints.ts'
import { countField, encodeJson } from './fields.ts'
import { invalidRequest } from './invalidRequest.ts'
import type { BodySpec, PreparedBody } from './prepareBody.ts'

/** What is counted instead of tokens. */
export interface MediaCount {
  readonly unit: 'image' | 'second'
  /** The most that may be billed, by what was sent. */
  readonly most: number
}

/** A request for images or about a recording, before it is priced. */
interface Content {
  readonly json: PreparedBody['json']
  readonly bytes: Uint8Array
  readonly contentType: string
  readonly media: MediaCount
  /** What a broker sets aside for it, in the same unit. */
  readonly reserved: number
}

/**
 * Makes the bytes of a request that is priced by the image or the second.
 * @throws AppError `max_cost_exceeded`, `request_invalid`, also where no price for it is named
 */
export function prepareMedia(endpoint: MediaEndpoint, spec: BodySpec, offer: Offer): PreparedBody {
  const { reserved, media, ...content } = contentOf(endpoint, spec, offer.model)
  const price = offer.prices[media.unit]
  if (price === undefined)
    throw invalidRequest(`The provider names no price per ${media.unit} for ${offer.model}`)
  const worst = BigInt(reserved) * price
  if (spec.maxCost !== undefined && worst > spec.maxCost) throw tooDear(worst, spec.maxCost)
  return {
    ...content,
    media,
    stream: false,
    promptTokens: 0,
    maxTokens: 0,
    prices: { [media.unit]: price },
    worst,
  }
}

function contentOf(endpoint: MediaEndpoint, { body, form }: BodySpec, model: string): Content {
  if (endpoint === '/v1/images/generations') {
    if (typeof body.prompt !== 'string') throw invalidRequest('"prompt" is not a text')
    const json = { ...body, model }
    const images = countField(body, 'n') ?? 1
    const bytes = encodeJson(json)
    return {
      json,
      bytes,
      contentType: 'application/json',
      media: { unit: 'image', most: images },
      reserved: images,
    }
  }
  if (!form) throw invalidRequest('This endpoint takes a form with a file')
  const encoded = { json: null, ...encodeForm(withText(withoutFileNames(form), 'model', model)) }
  if (endpoint === '/v1/images/edits') {
    if (!form.some(isImage)) throw invalidRequest('"image" is no file')
    const images = imagesOf(form)
    return { ...encoded, media: { unit: 'image', most: images }, reserved: images }
  }
  const recording = fileField(form, 'file').bytes
  const media = { unit: 'second', most: billableSeconds(recording) } as const
  return { ...encoded, media, reserved: audioSeconds(recording).most }
}

/** OpenAI's clients call one so, and several with brackets. */
const isImage = ([name, value]: Form[number]): boolean =>
  /^image(\[\])?$/.test(name) && typeof value === 'object'

function imagesOf(form: Form): number {
  const n = textField(form, 'n')
  return countField({ n: n === undefined ? undefined : Number(n) }, 'n') ?? 1
}
