import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const UNIT = 'deploy/systemd/0g-provider.service'
/** In tenths: 10 is what systemd calls safe without question, 96 is a service that restricts nothing. */
const MOST_EXPOSED = 25
/** The first release whose `security` reads a file. */
const SINCE = 250

const version = Number(
  /systemd (\d+)/.exec(spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' }).stdout)?.[1],
)

describe.skipIf(!(version >= SINCE))('the systemd unit', () => {
  const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })

  it('is one that systemd takes without a complaint', () => {
    const { status, stderr } = analyze('verify', '--recursive-errors=no', UNIT)
    expect(stderr.split('\n').filter((line) => line.includes('0g-provider'))).toEqual([])
    expect(status).toBe(0)
  })

  it('exposes little, by what systemd itself makes of it', () => {
    const { status, stdout } = analyze('security', '--offline=true', `--threshold=${MOST_EXPOSED}`, UNIT)
    expect(stdout.trim().split('\n').at(-1)).toMatch(/Overall exposure level .* OK/)
    expect(status).toBe(0)
  })
})

it('the unit keeps prompts off the disk, waits for answers, and goes on trying', () => {
  const unit = readFileSync(UNIT, 'utf8')
  for (const line of [
    'LimitCORE=0',
    'MemorySwapMax=0',
    'KillMode=mixed',
    'TimeoutStopSec=180',
    'StartLimitIntervalSec=0',
  ])
    expect(unit).toContain(`\n${line}\n`)
})

it('the unit and the image start Node with the same options, and it takes them', () => {
  const [NODE_OPTIONS, inImage] = [UNIT, 'deploy/docker/Dockerfile'].map(
    (file) => /^E.*\bNODE_OPTIONS=(\S+)$/m.exec(readFileSync(file, 'utf8'))?.[1],
  )
  expect(NODE_OPTIONS).toMatch(/^--/)
  expect(inImage).toBe(NODE_OPTIONS)
  const { status, stderr } = spawnSync(process.execPath, ['-e', ''], {
    env: { ...process.env, NODE_OPTIONS },
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
})
