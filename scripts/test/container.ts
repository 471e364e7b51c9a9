import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { vitest } from './vitest.ts'

const BASE = 'node:24-bookworm-slim'

/**
 * The image of `deploy/docker`, built and run by podman or docker (`ZG_CONTAINER`) on a base that is on this machine
 * (`ZG_NODE_IMAGE`): nothing is pulled. `ZG_CONTAINER_BUILD` and `ZG_CONTAINER_RUN` are further options.
 */
export const container = (): Part => ({
  name: 'the container image',
  async run() {
    const [program = '', ...options] = (process.env.ZG_CONTAINER ?? (await found())).split(' ')
    if (!program) return skipped('the container image: there is neither podman nor docker')
    const base = process.env.ZG_NODE_IMAGE ?? BASE
    const { code } = await runProgram(program, [...options, 'image', 'inspect', base])
    if (code !== 0) return skipped(`the container image: ${base} is not on this machine`)
    const env = { ZG_CONTAINER: [program, ...options].join(' '), ZG_NODE_IMAGE: base }
    return vitest(['--config', 'test/deploy/vitest.config.ts'], env).run()
  },
})

async function found(): Promise<string> {
  for (const program of ['docker', 'podman']) {
    if ((await runProgram(program, ['--version'])).code === 0) return program
  }
  return ''
}
