import { gpuPayload, TRUE_CLAIMS } from '../support/nvidiaStandIn.ts'
import { DAY, NONCE, NOW, OTHER_NONCE } from '../support/scene.ts'
import { type Vector, vector } from './vector.ts'

/** Evidence of GPUs and NVIDIA's word on it. */
export const gpu: readonly Vector[] = [
  vector('gpu-evidence', 'no GPU evidence, where the policy requires it', { policy: { gpu: 'required' } }),
  vector('gpu-evidence', 'evidence of a GPU elsewhere, relayed', { gpu: gpuPayload(OTHER_NONCE) }),
  vector('gpu-evidence', "evidence with the caller's nonce instead of the quote's", {
    gpu: gpuPayload(NONCE),
  }),
  vector('gpu-evidence', "relayed evidence in a model server's layout", {
    layout: 'model',
    gpu: gpuPayload(OTHER_NONCE),
  }),
  vector('gpu-evidence', 'the right nonce written over a relayed report', {
    layout: 'model',
    gpu: gpuPayload(NONCE, [OTHER_NONCE]),
  }),
  vector('gpu-evidence', 'a relayed report among honest ones', {
    layout: 'model',
    gpu: gpuPayload(NONCE, [NONCE, OTHER_NONCE]),
  }),
  vector('gpu-evidence', 'GPU evidence of another quote', { layout: 'ascii', gpu: gpuPayload(OTHER_NONCE) }),
  vector('gpu-evidence', 'an overall result that is no success', {
    gpu: true,
    nvidia: { overall: { 'x-nvidia-overall-att-result': false } },
  }),
  vector('gpu-evidence', 'an overall result that only reads like one', {
    gpu: true,
    nvidia: { overall: { 'x-nvidia-overall-att-result': 'true' } },
  }),
  vector('gpu-evidence', 'an overall token for another nonce', {
    gpu: true,
    nvidia: { overall: { eat_nonce: OTHER_NONCE } },
  }),
  vector('gpu-evidence', 'a device token for another nonce', {
    gpu: true,
    nvidia: { device: { eat_nonce: OTHER_NONCE } },
  }),
  vector('gpu-evidence', 'an overall token of another key', { gpu: true, nvidia: { forged: 'overall' } }),
  vector('gpu-evidence', 'a device token of another key', { gpu: true, nvidia: { forged: 'device' } }),
  vector('gpu-evidence', 'keys that do not hold the signer', { gpu: true, nvidia: { noKeys: true } }),
  vector('gpu-evidence', 'tokens of another issuer', {
    gpu: true,
    nvidia: { issuer: 'https://nras.example' },
  }),
  vector('gpu-evidence', 'tokens that have expired', { gpu: true, nvidia: { issuedAt: NOW - DAY } }),
  vector('gpu-evidence', 'tokens from the future', { gpu: true, nvidia: { issuedAt: NOW + DAY } }),
  vector('gpu-evidence', 'a device that the overall token does not name', {
    gpu: true,
    nvidia: { unnamed: true },
  }),
  vector('gpu-evidence', 'fewer devices than there is evidence of', { gpu: true, nvidia: { devices: 0 } }),
  vector('gpu-evidence', 'more devices than there is evidence of', { gpu: true, nvidia: { devices: 2 } }),
  vector('gpu-evidence', 'measurements that are not the published ones', {
    gpu: true,
    nvidia: { device: { measres: 'fail' } },
  }),
  vector('gpu-evidence', 'a GPU that can be debugged', {
    gpu: true,
    nvidia: { device: { dbgstat: 'enabled' } },
  }),
  ...TRUE_CLAIMS.map((claim) =>
    vector('gpu-evidence', `a GPU without ${claim}`, { gpu: true, nvidia: { device: { [claim]: false } } }),
  ),
  vector('malformed', "an answer of NVIDIA's that is none", {
    gpu: true,
    nvidia: { answer: { valid: true } },
  }),
  vector('malformed', "an answer of NVIDIA's that is no JSON", { gpu: true, nvidia: { answer: 'valid' } }),
  vector('malformed', 'devices that are no tokens', {
    gpu: true,
    nvidia: { answer: [['JWT', 'a.b.c'], { 'GPU-0': 1 }] },
  }),
]
