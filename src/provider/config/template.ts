import { DEFAULT_FINE_TUNING_PRICE } from '../finetune/options.ts'
import { DEFAULT_LIMITS } from '../server/limits/limits.ts'
import { DSTACK_SOCKET } from '../tee/guestAgent.ts'
import type { ProviderConfig } from './config.ts'
import { DEFAULT_PRICES } from './resolve.ts'

const { user, strangers, ...limits } = DEFAULT_LIMITS

/** A configuration file with every setting explained: those given are set, the others stand as comments. */
export function renderConfig(config: ProviderConfig): string {
  const { listen, engine, prices, settlement, finetune, admin } = config
  return `# Configuration of a 0G Compute provider: 0g-compute provider serve --config <this file>
#
# Which value counts: a flag, then the environment, then this file, then the default, which stands in the
# commented lines. The variable of listen.port is ZG_PROVIDER_LISTEN_PORT, and so on.
# Prices and limits are read again on SIGHUP (kill -HUP, systemctl reload); the rest needs a new start.
# Keys do not belong here: the wallet comes from the keystore, ZG_PRIVATE_KEY_FILE or ZG_PRIVATE_KEY.

# mainnet, testnet, devnet or one of your own.
${line('network', config.network, 'devnet')}

listen:
  # 0.0.0.0 lets others in; TLS ends in front of it unless the TEE ends it.
  ${line('host', listen?.host, '127.0.0.1')}
  ${line('port', listen?.port, 3080)}
  # PEM files, to end TLS in this process: in an enclave nobody outside can read along then.
  # tls: { cert: ./cert.pem, key: ./key.pem }
  # Registered on chain. Default: where it listens.
  ${line('url', listen?.url, 'https://gpu.example.org')}
  # Web pages of these origins may read answers. Default: all; an empty list: none.
  # origins: [https://app.example.org]

engine:
  # embedded: llama.cpp, nothing to install. url: any OpenAI-compatible server that runs already.
  # llama-server, vllm, transformers: started here, on all GPUs unless told otherwise.
  ${line('kind', engine?.kind, 'embedded')}
  # GGUF file for embedded and llama-server, or a folder with safetensors. Default: the demo model.
  ${line('model', engine?.model, './model.gguf')}
  # For url.
  ${line('target', engine?.target, 'http://127.0.0.1:8000/v1')}
  # For url: models that make no text.
  # serves: { some-painter: image, some-listener: transcription }
  # For those that are started here: where the program is, what its command line ends with, GPUs.
  # program: /opt/vllm/bin/vllm
  # args: ['--max-lora-rank', '64']
  # gpuLayers: 32          # llama-server
  # tensorParallel: 2      # vllm: GPUs that share each layer
  # pipelineParallel: 2    # vllm: hosts of a Ray cluster, with ray: true
  # LoRA adapters of vllm by the name that requests use; loaded and unloaded on SIGHUP.
  # adapters: { some-adapter: ./adapter }
  # Requests evaluated together, and tokens of one request; both cost memory.
  ${line('parallel', engine?.parallel, 4)}
  ${line('context', engine?.context, 8192)}
# More engines beside it, each as above. A model that several serve goes to the ready one with the fewest requests.
# engines:
#   - { kind: url, target: 'http://127.0.0.1:8001/v1' }

# The enclave: dstack (Intel TDX), or simulated, which proves nothing and counts on a devnet of this machine only.
# none: no enclave. Customers then pay by vouchers that they sign for what they checked, and nothing proves an answer.
tee:
  # Default: dstack where its socket is, else simulated.
  ${line('kind', config.tee?.kind, 'dstack')}
  ${line('socket', config.tee?.socket, DSTACK_SOCKET)}

# In 0G per million tokens, in quotes. At most 12 decimals.
prices:
  ${line('input', prices?.input, DEFAULT_PRICES.input)}
  ${line('output', prices?.output, DEFAULT_PRICES.output)}
  # Prompt tokens from the engine's cache. Default: as others.
  ${line('cachedInput', prices?.cachedInput, prices?.input ?? DEFAULT_PRICES.input)}
  # Who was charged so much 0G in all pays so many percent less.
  # volume: [{ from: '10', percent: 5 }, { from: '100', percent: 10 }]
  # In US dollars per million tokens instead of 0G, at a rate in dollars per 0G: fixed, or from a feed of your choice.
  # Nothing is sold by a rate older than maxAge seconds, and a reading that moves by more than maxStep percent is
  # not believed.
  # usd: { input: '0.1', output: '0.4', rate: '0.5' }
  # usd:
  #   { input: '0.1', output: '0.4', rateUrl: 'https://feed.example.org/0g', rateField: usd, refresh: 60, maxAge: 600, maxStep: 20 }
  # Prompts of more than so many tokens cost so many percent of the prices.
  # tiers: [{ above: 32000, input: 150, output: 200 }]
  # Other prices for single models.
  # models:
  #   some-model: { input: '0.1', output: '0.4' }
  # In 0G per image, or per second of audio, for models that engine.serves names.
  #   some-painter: { image: '0.02' }
  #   some-listener: { second: '0.0005' }

settlement:
  # Seconds between settlements.
  ${line('interval', settlement?.interval, 300)}
  # Users who owe less wait; users who owe as much as eager are settled at once. In 0G.
  ${line('minimum', settlement?.minimum, '0.004')}
  ${line('eager', settlement?.eager, '0.1')}
  # An address whose key is not on this machine: earnings go there. On the deployed contracts, which pay the
  # provider's account, all but keep (0G, for gas) is sent on after each settlement.
  ${line('payee', settlement?.payee, `0x${'0'.repeat(40)}`)}
  ${line('keep', settlement?.keep, '1')}
  # With tee.kind none: 0G served to each payer beyond what its vouchers cover. Who then signs no more keeps that.
  ${line('credit', settlement?.credit, '0')}

# 0 means no limit.
limits:
  # Requests of all users at once (beyond: 503), and the tokens that they may hold together (beyond: 429).
  ${line('concurrent', config.limits?.concurrent, limits.concurrent)}
  ${line('tokensInFlight', config.limits?.tokensInFlight, limits.tokensInFlight)}
  # For each user.
  user:
    ${line('concurrent', config.limits?.user?.concurrent, user.concurrent)}
    ${line('requestsPerMinute', config.limits?.user?.requestsPerMinute, user.requestsPerMinute)}
    ${line('tokensPerMinute', config.limits?.user?.tokensPerMinute, user.tokensPerMinute)}
  # For single users.
  # users:
  #   '0x1234567890123456789012345678901234567890': { concurrent: 512 }
  # Callers with unknown tokens or without an account: checks and look-ups a minute.
  # strangers: { perIpPerMinute: ${strangers.perIpPerMinute}, perMinute: ${strangers.perMinute} }
  ${line('bodyBytes', config.limits?.bodyBytes, limits.bodyBytes)}
  ${line('connections', config.limits?.connections, limits.connections)}
  # Seconds: until headers, until the whole request, and for a client that takes nothing of its answer.
  ${line('headersTimeout', config.limits?.headersTimeout, limits.headersTimeoutMs / 1000)}
  ${line('requestTimeout', config.limits?.requestTimeout, limits.requestTimeoutMs / 1000)}
  ${line('writeTimeout', config.limits?.writeTimeout, limits.writeTimeoutMs / 1000)}
  # Take the caller's address from X-Forwarded-For: behind a proxy of your own only.
  ${line('trustProxy', config.limits?.trustProxy, false)}

# Metrics (/metrics) and control, on 127.0.0.1 only. 0: any free port.
admin:
  ${line('port', admin?.port, 0)}

# Train for customers as well. provider init --finetune installs what it takes.
finetune:
  ${line('enabled', finetune?.enabled, false)}
  # 0G per million tokens and pass.
  ${line('price', finetune?.price, DEFAULT_FINE_TUNING_PRICE)}
  # Base models by name; default the demo model. gguf is the same for llama.cpp: adapters are served on it.
  # models:
  #   Qwen2.5-0.5B-Instruct: { path: ./qwen, gguf: ./qwen.gguf }
  # local: a child process for each job. ray: an existing cluster, by the address of its dashboard.
  ${line('trainer', finetune?.trainer, 'local')}
  ${line('rayAddress', finetune?.rayAddress, 'http://127.0.0.1:8265')}
  # Jobs at a time. Default: one for each GPU (or group of them), or one.
  ${line('slots', finetune?.slots, 1)}
  # GPUs that one job trains on, together.
  ${line('gpusPerJob', finetune?.gpusPerJob, 1)}
  # Hours for which a delivered model is kept, sealed; then it is destroyed.
  ${line('retention', finetune?.retention, 72)}
  # A folder in memory (tmpfs): datasets lie in plain text nowhere else.
  ${line('workDir', finetune?.workDir, '/dev/shm')}
  # Shortest times in seconds that an order may give to train, to reject, and to publish the key.
  # windows: { train: 600, acknowledge: 3600, reveal: 3600 }
  # limits: { datasetBytes: 1073741824, tokens: 100000000, trainSeconds: 86400, queue: 16, perUser: 2 }

log:
  # debug has a line for each answer. No level writes contents, keys or tokens.
  ${line('level', config.log?.level, 'info')}

# Where the ledger lives: what users owe. Back it up.
${line('dataDir', config.dataDir, './data')}
# postgres://… for several brokers behind a load balancer.
${line('database', config.database, 'postgres://user@host/0g')}
# Answer errors as the network's present broker does (400 with a text).
${line('compat', config.compat, false)}
`
}

/** A setting, or its default as a comment. */
function line(
  name: string,
  value: string | number | boolean | undefined,
  standard: string | number | boolean,
): string {
  return value === undefined ? `# ${name}: ${scalar(standard)}` : `${name}: ${scalar(value)}`
}

/** Amounts stay texts: YAML would read a number. */
const scalar = (value: string | number | boolean): string =>
  typeof value !== 'string' || /^[A-Za-z.][\w./-]*$/.test(value) ? String(value) : JSON.stringify(value)
