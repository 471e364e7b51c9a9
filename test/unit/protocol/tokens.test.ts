import { describe, expect, it } from 'vitest'
import { sampleOf } from '../../../src/protocol/finetune/dataset/sample.ts'
import { countTokens, rowLength, TokenCounter } from '../../../src/protocol/finetune/tokens.ts'
import { AWKWARD_TEXTS } from '../../support/awkward.ts'
import { demoTokenizer, TOKEN_CASES } from '../../support/tokenCases.ts'
import vectors from './tokens.vectors.json' with { type: 'json' }

const WIDE = { sequenceLength: 2 ** 20, tooLong: 'fail' } as const
const ask = sampleOf({ instruction: 'Who?', output: 'Ada.' })
const demo = demoTokenizer()

describe('tokens', () => {
  it('of every awkward text are as many as Python’s transformers count', () => {
    const counter = new TokenCounter(demo, WIDE)
    expect(vectors.texts).toHaveLength(AWKWARD_TEXTS.length)
    expect(AWKWARD_TEXTS.map((text) => counter.length({ format: 'text', text }))).toEqual(vectors.texts)
  })

  it.each(TOKEN_CASES)(
    'of a dataset are as many as the trainer trains on: $name',
    async ({ name, records, options }) => {
      const tokens = await countTokens(records.map(sampleOf), demo, options)
      expect(vectors.datasets).toContainEqual({ name, tokens })
    },
  )

  it('are those of each answer alone where the template renders earlier answers in another way', () => {
    const lastOnly =
      "{% for m in messages %}{% if m.role != 'assistant' or loop.last %}{{ m.content + '<|im_end|>' }}{% endif %}{% endfor %}"
    const counter = new TokenCounter({ ...demo, chatTemplate: lastOnly }, WIDE)
    const turns = (...contents: string[]) =>
      sampleOf({ messages: contents.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content })) })
    expect(counter.count(turns('a', 'b', 'c', 'd'))).toBe(4 + 6)
  })

  it('use ChatML when the order says so', () => {
    const counted = (chatTemplate?: string) =>
      new TokenCounter({ ...demo, ...(chatTemplate && { chatTemplate }) }, WIDE).count(ask)
    expect(counted('chatml')).toBe(counted())
    expect(counted("{{ messages[0].content + '<|im_end|>' }}{{ messages[1].content }}")).toBeLessThan(
      counted(),
    )
  })

  it('find the template among several named ones, and special tokens given as objects', () => {
    const config = {
      ...demo.config,
      eos_token: { content: '<|im_end|>' },
      chat_template: [
        { name: 'tool_use', template: 'x' },
        { name: 'default', template: demo.config.chat_template },
      ],
    }
    expect(new TokenCounter({ ...demo, config }, WIDE).count(ask)).toBe(
      new TokenCounter(demo, WIDE).count(ask),
    )
  })

  it('cannot be counted without a template, a tokenizer, or an answer that fits', async () => {
    const { chat_template: _, ...config } = demo.config
    const count = (files: typeof demo, options: Parameters<typeof countTokens>[2] = WIDE) =>
      countTokens([ask], files, options)
    await expect(count({ ...demo, config })).rejects.toMatchObject({ code: 'no_chat_template' })
    await expect(count({ ...demo, tokenizer: {} })).rejects.toMatchObject({ code: 'wrong_tokenizer' })
    await expect(count({ ...demo, chatTemplate: '{% if %}' })).rejects.toMatchObject({
      code: 'wrong_tokenizer',
    })
    const refusing = { ...demo, chatTemplate: "{{ raise_exception('System role not supported') }}" }
    await expect(count(refusing)).rejects.toMatchObject({
      code: 'chat_template_refuses',
      hint: expect.stringContaining('System role not supported'),
    })
    await expect(count(demo, { sequenceLength: 8, tooLong: 'fail' })).rejects.toMatchObject({
      code: 'sample_too_long',
    })
    await expect(count(demo, { sequenceLength: 8, tooLong: 'drop' })).rejects.toMatchObject({
      code: 'nothing_to_learn',
    })
  })

  it('fill a row of 512, or of the model’s context when it is shorter, or as asked', () => {
    expect([rowLength(0, 32_768), rowLength(0, 256), rowLength(1000, 32_768)]).toEqual([512, 256, 1000])
  })
})
