import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { type MediaMarket, SECOND_PRICE, startMediaMarket } from '../../support/mediaMarket.ts'
import { silence } from '../../support/recording.ts'
import vectors from '../../unit/protocol/audio.vectors.json' with { type: 'json' }

let market: MediaMarket
let env: Record<string, string>
let talk: string

beforeAll(async () => {
  market = await startMediaMarket()
  env = devnetHome(market.world, market.speech.url)
  talk = fileOf('talk.mp3', Buffer.from(vectors.mp3.file, 'base64'))
})

afterAll(() => market?.stop())

function fileOf(name: string, bytes: Buffer): string {
  const path = join(market.world.dir, name)
  writeFileSync(path, bytes)
  return path
}

const transcribe = (...args: string[]) => runCli(['transcribe', ...args], env)

describe('transcribe', () => {
  it('prints what was heard, and says on stderr what it cost and whether it is proven', async () => {
    const { code, stdout, stderr } = await transcribe(talk, '--language', 'en', '--prompt', 'Zibo')
    expect(code, stderr).toBe(0)
    expect(stdout).toBe('what was heard\n')
    expect(stderr).toMatch(/3 s, 0\.003 0G, not sealed, \d+ ms in all\nVerdict: accepted/)
    expect(market.standIn.requests.at(-1)!.form).toMatchObject({
      model: 'listener',
      language: 'en',
      prompt: 'Zibo',
      response_format: 'verbose_json',
      // Nothing of where it came from.
      file: expect.stringMatching(/^file\.mp3 /),
    })
  })

  it('gives programs all of it, from stdin too', async () => {
    const { code, stdout, stderr } = await runCli(['transcribe', '-', '--json'], env, silence(4))
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      text: 'what was heard',
      seconds: 3,
      fee: (3n * SECOND_PRICE).toString(),
      verdict: 'accepted',
      provider: market.speech.provider,
      segments: [
        { start: 0, end: 1.25 },
        { start: 1.25, end: 2.3 },
      ],
      receipt: { receipt: { fee: (3n * SECOND_PRICE).toString() } },
    })
  })

  it.each([
    ['srt', '1\n00:00:00,000 --> 00:00:01,250\nwhat was\n\n2\n00:00:01,250 --> 00:00:02,300\nheard\n'],
    ['vtt', 'WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nwhat was\n\n00:00:01.250 --> 00:00:02.300\nheard\n'],
  ])('writes subtitles: %s', async (format, expected) => {
    const { code, stdout, stderr } = await transcribe(talk, '--format', format)
    expect([code, stdout], stderr).toEqual([0, expected])
  })

  it('without times gives the text that was paid for, and exit 20', async () => {
    const { code, stdout, stderr } = await transcribe(talk, '--format', 'srt', '--model', 'timeless')
    expect([code, stdout]).toEqual([20, 'what was heard\n'])
    expect(stderr).toContain('timeless does not say when it heard what')
  })

  it('exits 10 for what is billed longer than it is', async () => {
    const padded = Buffer.concat([Buffer.from(vectors.opus.file, 'base64'), Buffer.alloc(40_000)])
    const { code, stdout } = await transcribe(fileOf('long.ogg', padded), '--model', 'exaggerator', '--json')
    expect(code).toBe(10)
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'rejected', failedStep: 'counts', seconds: 40 })
  })

  it.each([
    ['a file that is not there', () => join(market.world.dir, 'none.mp3'), 2, 'file_unreadable'],
    ['a film', () => film(), 30, 'recording_too_large'],
  ])('refuses %s before it asks for anything', async (_name, path, exit, code) => {
    const before = market.standIn.requests.length
    const refused = await transcribe(path(), '--json')
    expect([refused.code, JSON.parse(refused.stdout).code]).toEqual([exit, code])
    expect(market.standIn.requests).toHaveLength(before)
  })

  it.each([
    [['--format', 'docx'], 2, 'option_invalid'],
    [['--private'], 20, 'private_unavailable'],
    [['--max-cost', '0.001'], 5, 'max_cost_exceeded'],
    [['--max-price', '0.0001'], 1, 'no_suitable_provider'],
  ])('sends nothing with %j', async (options, exit, code) => {
    const before = market.standIn.requests.length
    const refused = await transcribe(talk, '--json', ...options)
    expect([refused.code, JSON.parse(refused.stdout).code]).toEqual([exit, code])
    expect(market.standIn.requests).toHaveLength(before)
  })

  it('takes no more from stdin than from a file', async () => {
    const { code, stdout } = await runCli(['transcribe', '-', '--json'], env, Buffer.alloc(26 * 1024 * 1024))
    expect([code, JSON.parse(stdout).code]).toEqual([30, 'recording_too_large'])
  })
})

it('completes with models that hear', async () => {
  const { stdout } = await runCli(['completion', 'words', '--', 'transcribe', '--model', ''], env)
  expect(stdout.trim().split('\n')).toEqual(['exaggerator', 'listener', 'timeless'])
})

describe('provider list', () => {
  it('shows what each sells, and its price by the piece', async () => {
    const { code, stdout, stderr } = await runCli(['provider', 'list', '--wide'], env)
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/chatbot +speaker +0\.001 \/ 0\.004 per M /)
    expect(stdout).toMatch(/text-to-image +painter +0\.01 per image /)
    expect(stdout).toMatch(/speech-to-text +listener +0\.001 per second /)
    const listed = await runCli(['provider', 'list', '--max-price', '0.004', '--json'], env)
    expect(JSON.parse(listed.stdout).providers.map(({ unit }: { unit: string }) => unit)).toEqual([
      'token',
      'second',
      'image',
    ])
    const shown = await runCli(['provider', 'show', market.images.provider], env)
    expect(shown.stdout).toContain('model    painter: 0.01 per image (0G in / out)')
  })
})

/** Of no content, and of 26 MiB. */
function film(): string {
  const path = fileOf('film.mp4', Buffer.alloc(0))
  truncateSync(path, 26 * 1024 * 1024)
  return path
}
