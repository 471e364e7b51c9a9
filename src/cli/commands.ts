import type { CommandDefinition } from './framework/definition.ts'

/** A line of the command table. The module behind it is loaded only when the command runs. */
export interface CommandEntry {
  /** Words as typed, e.g. `fund status`. */
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<{ readonly command: CommandDefinition }>
}

/** Every command, in the order in which help shows them. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'infer', summary: 'One paid, verified answer', load: () => import('./infer.ts') },
  { name: 'chat', summary: 'The same, as a conversation', load: () => import('./chat.ts') },
  { name: 'embed', summary: 'Vectors of texts', load: () => import('./embed.ts') },
  { name: 'image', summary: 'Images from a text', load: () => import('./image.ts') },
  { name: 'transcribe', summary: 'Speech to text', load: () => import('./transcribe.ts') },
  { name: 'fund', summary: 'Deposit 0G', load: () => import('./fund.ts') },
  { name: 'fund status', summary: 'Every place your money can be', load: () => import('./fundStatus.ts') },
  { name: 'fund withdraw', summary: 'Bring money back', load: () => import('./fundWithdraw.ts') },
  {
    name: 'provider list',
    summary: 'Who sells what, at which price',
    load: () => import('./providerList.ts'),
  },
  { name: 'provider show', summary: 'One provider in full', load: () => import('./providerShow.ts') },
  {
    name: 'provider verify',
    summary: 'What stands behind its key, step by step',
    load: () => import('./providerVerify.ts'),
  },
  { name: 'proxy', summary: 'A local endpoint for any OpenAI client', load: () => import('./proxy.ts') },
  { name: 'mcp', summary: 'A server of tools for agents', load: () => import('./mcp.ts') },
  { name: 'keys create', summary: 'An API key for OpenAI clients', load: () => import('./keysCreate.ts') },
  { name: 'keys list', summary: 'Keys made on this machine', load: () => import('./keysList.ts') },
  { name: 'keys revoke', summary: 'End a key, on chain', load: () => import('./keysRevoke.ts') },
  {
    name: 'receipts list',
    summary: 'Receipts kept on this machine',
    load: () => import('./receiptsList.ts'),
  },
  { name: 'receipts show', summary: 'One receipt in full', load: () => import('./receiptsShow.ts') },
  {
    name: 'receipts verify',
    summary: 'Judge one offline, from a file',
    load: () => import('./receiptsVerify.ts'),
  },
  { name: 'receipts audit', summary: 'Receipts against the chain', load: () => import('./receiptsAudit.ts') },
  {
    name: 'receipts dispute',
    summary: "Claim on a provider's stake",
    load: () => import('./receiptsDispute.ts'),
  },
  {
    name: 'finetune create',
    summary: 'From a dataset to a model that answers',
    load: () => import('./finetuneCreate.ts'),
  },
  {
    name: 'finetune models',
    summary: 'What can be fine-tuned, and by whom',
    load: () => import('./finetuneModels.ts'),
  },
  { name: 'finetune list', summary: 'Your tasks', load: () => import('./finetuneList.ts') },
  {
    name: 'finetune status',
    summary: 'State, deadlines, loss curve',
    load: () => import('./finetuneStatus.ts'),
  },
  { name: 'finetune logs', summary: "The trainer's log", load: () => import('./finetuneLogs.ts') },
  { name: 'finetune cancel', summary: 'End a task', load: () => import('./finetuneCancel.ts') },
  {
    name: 'finetune download',
    summary: 'Fetch, check, accept, decrypt',
    load: () => import('./finetuneDownload.ts'),
  },
  { name: 'finetune deploy', summary: 'Have it served', load: () => import('./finetuneDeploy.ts') },
  { name: 'finetune report', summary: 'A page with the curve', load: () => import('./finetuneReport.ts') },
  { name: 'train create', summary: 'A model from scratch', load: () => import('./trainCreate.ts') },
  {
    name: 'dataset validate',
    summary: 'What is wrong with training data, before money moves',
    load: () => import('./datasetValidate.ts'),
  },
  {
    name: 'dataset upload',
    summary: 'Seal a dataset and bring it to a provider or storage',
    load: () => import('./datasetUpload.ts'),
  },
  { name: 'dataset list', summary: 'What was uploaded from here', load: () => import('./datasetList.ts') },
  { name: 'dataset root', summary: 'The 0G root of a file', load: () => import('./datasetRoot.ts') },
  { name: 'wallet new', summary: 'Make a key, kept encrypted', load: () => import('./walletNew.ts') },
  {
    name: 'wallet import',
    summary: 'Keep an existing key, encrypted',
    load: () => import('./walletImport.ts'),
  },
  { name: 'wallet show', summary: 'Address and balance', load: () => import('./walletShow.ts') },
  { name: 'wallet use', summary: 'Choose the wallet', load: () => import('./walletUse.ts') },
  {
    name: 'wallet unlock',
    summary: 'Ask for its password once for a while',
    load: () => import('./walletUnlock.ts'),
  },
  { name: 'wallet lock', summary: 'Ask for it again', load: () => import('./walletLock.ts') },
  { name: 'network list', summary: 'Networks known here', load: () => import('./networkList.ts') },
  {
    name: 'network show',
    summary: 'Addresses, and whether the chain answers',
    load: () => import('./networkShow.ts'),
  },
  { name: 'network use', summary: 'Choose the network', load: () => import('./networkUse.ts') },
  {
    name: 'config list',
    summary: 'Settings and where they come from',
    load: () => import('./configList.ts'),
  },
  { name: 'config get', summary: 'One setting', load: () => import('./configGet.ts') },
  { name: 'config set', summary: 'Change a setting', load: () => import('./configSet.ts') },
  { name: 'provider serve', summary: 'Sell a model: the broker', load: () => import('./providerServe.ts') },
  { name: 'provider init', summary: 'Write its configuration', load: () => import('./providerInit.ts') },
  {
    name: 'provider check',
    summary: 'What this machine lacks, and could earn',
    load: () => import('./providerCheck.ts'),
  },
  { name: 'provider status', summary: 'State of the broker', load: () => import('./providerStatus.ts') },
  {
    name: 'provider earnings',
    summary: 'Money by day and model',
    load: () => import('./providerEarnings.ts'),
  },
  { name: 'provider settle', summary: 'Bring debts to the chain', load: () => import('./providerSettle.ts') },
  { name: 'provider price', summary: 'Show or change prices', load: () => import('./providerPrice.ts') },
  { name: 'provider stop', summary: 'Settle and stop the broker', load: () => import('./providerStop.ts') },
  {
    name: 'provider leave',
    summary: 'Remove the service, take the stake back',
    load: () => import('./providerLeave.ts'),
  },
  { name: 'devnet up', summary: 'A network on this machine', load: () => import('./devnetUp.ts') },
  { name: 'devnet down', summary: 'Stop it', load: () => import('./devnetDown.ts') },
  { name: 'devnet fund', summary: 'Give a wallet money there', load: () => import('./devnetFund.ts') },
  { name: 'devnet status', summary: 'What is running', load: () => import('./devnetStatus.ts') },
  { name: 'network deploy', summary: 'Contracts of your own', load: () => import('./networkDeploy.ts') },
  { name: 'doctor', summary: 'What is wrong, and what repairs it', load: () => import('./doctor.ts') },
  {
    name: 'migrate',
    summary: 'Take over key and network of 0g-compute-cli',
    load: () => import('./migrate.ts'),
  },
  { name: 'completion', summary: 'For bash, zsh, fish, powershell', load: () => import('./completion.ts') },
  { name: 'man', summary: 'The manual page', load: () => import('./man.ts') },
  { name: 'help', summary: 'exit-codes, environment, trust', load: () => import('./help.ts') },
]
