/**
 * What of the broker's environment the engine sees: enough to find its libraries and its GPUs, and nothing that
 * could be a key. `NODE_OPTIONS` is left out, so that a debugger of the parent does not open one in the child.
 */
const ALLOWED = [
  /^(PATH|HOME|USER|LANG|LC_ALL|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|WINDIR|LOCALAPPDATA|APPDATA|USERPROFILE)$/i,
  /^(LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|CUDA_|NVIDIA_|HIP_|ROCR_|HSA_|GGML_|VK_|OMP_|GOMP_)/i,
  // Where a cluster is, and by which of its addresses this host is known there.
  /^(RAY_ADDRESS|VLLM_HOST_IP|NCCL_|GLOO_)/i,
]

export function childEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(environment).filter(([name]) =>
    ALLOWED.some((pattern) => pattern.test(name)),
  )
  return Object.fromEntries(entries)
}
