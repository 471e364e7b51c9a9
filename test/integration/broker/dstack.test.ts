import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findService } from '../../../src/chain/inference.ts'
import { openDstackTee } from '../../../src/provider/tee/dstack.ts'
import { simulatedMachine } from '../../../src/provider/tee/simulated/machine.ts'
import { AUTHORITY } from '../../attestation/support/scene.ts'
import { type DstackStandIn, startDstackStandIn } from '../../support/dstackStandIn.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { type ServeProcess, startServe } from '../../support/serveProcess.ts'
import { startWorld, type World } from '../../support/world.ts'

let world: World
let scripted: ScriptedEngine
let standIn: DstackStandIn
let serve: ServeProcess | undefined

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  standIn = await startDstackStandIn(world.dir, AUTHORITY, simulatedMachine())
})

afterAll(async () => {
  await serve?.stop()
  await world?.stop()
  await scripted?.stop()
  await standIn?.stop()
})

const start = (socket: string) =>
  startServe(world, ['--tee', 'dstack', '--engine', 'url', '--target', scripted.target], {
    ZG_PROVIDER_TEE_SOCKET: socket,
  })

describe('provider serve --tee dstack, with a stand-in for the guest agent', () => {
  it('does not start without the enclave, however good a simulated one would be here', async () => {
    await expect(start(join(world.dir, 'nowhere.sock'))).rejects.toThrow('tee_unreachable')
  })

  it('serves with the keys and the quotes of the enclave', async () => {
    serve = await start(standIn.socket)
    const { signer } = await openDstackTee({ socket: standIn.socket })
    const service = await findService(world.inference, world.provider.address as `0x${string}`)
    expect(service!.teeSignerAddress.toLowerCase()).toBe(signer.toLowerCase())
    const { report_data: data } = await (await fetch(`${serve.url}/v1/quote`)).json()
    expect(Buffer.from(data, 'base64').toString()).toContain(signer)
    expect(standIn.calls).toContain('/GetQuote')
  })
})
