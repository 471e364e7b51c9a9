import { badRequest } from './openAiError.ts'

/** The part of `@huggingface/jinja` that is used. Its defaults are those of Hugging Face: lstrip and trim blocks. */
export interface JinjaModule {
  readonly Template: new (source: string) => { render(items: Record<string, unknown>): string }
}

/** A model's own chat template, rendered as Hugging Face's `apply_chat_template` does. */
export class ChatTemplate {
  readonly #template: { render(items: Record<string, unknown>): string }
  readonly #specialTokens: Readonly<Record<string, string>>

  constructor(jinja: JinjaModule, source: string, specialTokens: Readonly<Record<string, string>>) {
    this.#template = new jinja.Template(source)
    this.#specialTokens = specialTokens
  }

  /** @throws OpenAiError 400 where the template refuses the messages */
  render(
    messages: readonly unknown[],
    tools: readonly unknown[] | undefined,
    addGenerationPrompt: boolean,
  ): string {
    try {
      return this.#template.render({
        ...this.#specialTokens,
        messages,
        add_generation_prompt: addGenerationPrompt,
        ...(tools !== undefined && { tools }),
      })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw badRequest(`The model's chat template refuses these messages: ${reason}`, 'messages')
    }
  }
}
