import { expect, it } from 'vitest'
import { readImageRequest } from '../../../src/provider/server/media.ts'
import { mediaCounts } from '../../../src/provider/server/mediaCounts.ts'

const MODEL = { id: 'm', digest: null, contextLength: 0, kinds: ['image'] } as const

it('counts images that are there, and no more than were asked for', () => {
  const asked = readImageRequest(Buffer.from('{}'), { model: 'm', n: 2 }, [MODEL])
  const count = (...data: object[]) => mediaCounts(Buffer.from(JSON.stringify({ data })), asked)
  const image = { b64_json: 'AAAA' }
  expect([count(image), count(image, {}), count(image, image, image)]).toEqual([
    { image: 1 },
    { image: 1 },
    { image: 2 },
  ])
})
