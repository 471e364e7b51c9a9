import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { askBroker } from '../../../src/provider/admin/adminClient.ts'
import { writeAdminFile } from '../../../src/provider/admin/adminFile.ts'

const dir = mkdtempSync(join(tmpdir(), 'zg-admin-'))

afterAll(() => rmSync(dir, { recursive: true }))

it('a broker that was killed left its file: it is said not to run, with the command that starts it', async () => {
  const notRunning = { code: 'provider_not_running', next: '0g-compute provider serve' }
  await expect(askBroker(dir, 'GET', '/status')).rejects.toMatchObject({ code: notRunning.code })
  writeAdminFile(dir, { url: 'http://127.0.0.1:1', token: 'x', pid: 1 })
  await expect(askBroker(dir, 'GET', '/status')).rejects.toMatchObject(notRunning)
})
