import assert from 'node:assert/strict'
import { runCli } from '../../support/cli.ts'
import { eventually, type Rows, suiteOf } from '../support/suite.ts'
import { openScene, type Scene } from './scene.ts'

/** One command, which has to succeed; its JSON. */
async function json({ env }: Scene, ...args: string[]) {
  const { code, stdout, stderr } = await runCli([...args, '--json'], env)
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
  return JSON.parse(stdout)
}

const rows: Rows<Scene> = {
  async providerList(scene) {
    const { providers } = await json(scene, 'provider', 'list')
    assert.equal(providers[0].provider, scene.broker.provider)
    assert.equal(providers[0].acknowledged, true)
    return 'found on chain, acknowledged'
  },
  async fund(scene) {
    const { transactions } = await json(scene, 'fund', '2', '--provider', scene.broker.provider)
    assert(transactions.length >= 2)
    return `${transactions.length} transactions`
  },
  async fundStatus(scene) {
    const { subAccounts } = await json(scene, 'fund', 'status')
    assert.equal(subAccounts[0].provider, scene.broker.provider)
    return 'shows the sub-account'
  },
  async infer(scene) {
    const answer = await json(scene, 'infer', 'Once upon a time', '--max-tokens', '8')
    assert.equal(answer.verdict, 'accepted')
    return `verdict ${answer.verdict}`
  },
  async keys(scene) {
    const { key, baseUrl } = await json(scene, 'keys', 'create', 'interop')
    const status = async () =>
      (
        await fetch(`${baseUrl}/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'x' }], max_tokens: 2 }),
        })
      ).status
    assert.equal(await status(), 200)
    await json(scene, 'keys', 'revoke', 'interop')
    await eventually(async () => (await status()) === 401, 'the key is refused')
    return 'made, used with curl, revoked'
  },
  async audit(scene) {
    await scene.broker.settler.settleNow()
    const { difference } = await json(scene, 'receipts', 'audit')
    assert.equal(BigInt(difference), 0n)
    return 'difference 0'
  },
  async fundWithdraw(scene) {
    const result = await json(scene, 'fund', 'withdraw', '--all')
    assert(BigInt(result.pending) > 0n)
    return 'says what is locked, and until when'
  },
}

export const cli = suiteOf('ours-on-theirs', 'cli', openScene, rows)
