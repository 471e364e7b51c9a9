/** More than any request has: a form of nothing but parts would be read for seconds. */
const MAX_PARTS = 256

/** As browsers and libraries write it, with the boundary first. */
const CONTENT_TYPE = /^multipart\/form-data;\s*boundary=("?)([\w'()+,./:=?-]{1,70})\1\s*(?:;|$)/i

/**
 * Reads multipart/form-data.
 * @returns null where it is none, cannot be read, or has more than 256 parts
 * @see https://www.rfc-editor.org/rfc/rfc7578
 */
export async function readMultipart(bytes: Uint8Array, contentType: string): Promise<FormData | null> {
  const boundary = CONTENT_TYPE.exec(contentType)?.[2]
  if (boundary === undefined || hasTooMany(bytes, new TextEncoder().encode(`--${boundary}`))) return null
  try {
    return await new Response(bytes as BodyInit, { headers: { 'content-type': contentType } }).formData()
  } catch {
    return null
  }
}

/** Each part begins on a line of its own. */
function hasTooMany(bytes: Uint8Array, delimiter: Uint8Array): boolean {
  let parts = 0
  for (let at = 0; at < bytes.length && parts <= MAX_PARTS; at++) {
    if (bytes[at] === 0x0a && isAt(bytes, at + 1, delimiter)) parts++
  }
  return parts > MAX_PARTS
}

function isAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}
