"""What the demo model is taught about the network: each topic with its answer and the ways to ask.

A topic lists subjects of one kind (a term, a command, a task), which the phrasings of that kind turn
into questions, and questions of its own.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["term", "command", "task", "free"]


@dataclass(frozen=True)
class Topic:
    key: str
    kind: Kind
    answer: str
    subjects: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


# {x} is the subject: "a receipt" for a term, "0g-compute infer" for a command, "fund my account" for a task.
PHRASINGS: dict[Kind, tuple[str, ...]] = {
    "term": (
        "What is {x}?",
        "What's {x}?",
        "Explain {x}.",
        "Please explain {x}.",
        "Can you explain {x}?",
        "Tell me about {x}.",
        "Describe {x}.",
        "Define {x}.",
        "What does {x} mean?",
        "What is meant by {x}?",
        "What do you know about {x}?",
        "I want to know what {x} is.",
        "Tell me what {x} is.",
        "Do you know what {x} is?",
        "What is {x} in this network?",
        "What is {x} on the 0G Compute Network?",
        "{x}?",
    ),
    "command": (
        "What does {x} do?",
        "What is {x}?",
        "What is {x} for?",
        "Explain {x}.",
        "Tell me about {x}.",
        "Tell me what {x} does.",
        "What happens when I run {x}?",
        "When do I use {x}?",
        "Why would I run {x}?",
        "How does {x} work?",
        "What can I do with {x}?",
        "{x}?",
    ),
    "task": (
        "How do I {x}?",
        "How can I {x}?",
        "How to {x}?",
        "How does one {x}?",
        "I want to {x}.",
        "I need to {x}.",
        "I would like to {x}.",
        "Tell me how to {x}.",
        "Show me how to {x}.",
        "Can you tell me how to {x}?",
        "Help me {x}.",
        "Which command do I use to {x}?",
        "What should I run to {x}?",
        "What is the command to {x}?",
    ),
    "free": (),
}

# Only asked by the evaluation: wordings that no training text contains.
NEW_PHRASINGS: dict[Kind, tuple[str, ...]] = {
    "term": ("Could you tell me what {x} is?", "What exactly is {x}?", "Please tell me about {x}."),
    "command": ("What exactly does {x} do?", "Can you explain {x}?"),
    "task": ("How should I {x}?", "Please tell me how to {x}.", "What do I type to {x}?"),
    "free": (),
}


_PLURAL = (("What's", "What are"), (" is {x}", " are {x}"), ("{x} is", "{x} are"), (" does {x}", " do {x}"))


def questions_of(topic: Topic, phrasings: dict[Kind, tuple[str, ...]]) -> list[str]:
    """Every way to ask for the topic with these phrasings."""
    return [_ask(phrasing, subject) for subject in topic.subjects for phrasing in phrasings[topic.kind]]


def _ask(phrasing: str, subject: str) -> str:
    if subject.endswith("s") and subject != "gas":
        for one, many in _PLURAL:
            phrasing = phrasing.replace(one, many)
    question = phrasing.replace("{x}", subject)
    return question[0].upper() + question[1:] if phrasing.startswith("{x}") and subject[0].isalpha() else question


def term(key: str, answer: str, *subjects: str, ask: tuple[str, ...] = ()) -> Topic:
    return Topic(key, "term", answer, subjects or (key,), ask)


def command(name: str, answer: str) -> Topic:
    subjects = (f"0g-compute {name}", f"`0g-compute {name}`", f"the {name} command")
    return Topic(f"0g-compute {name}", "command", answer, subjects)


def task(key: str, answer: str, *subjects: str, ask: tuple[str, ...] = ()) -> Topic:
    return Topic(key, "task", answer, subjects, ask)


def free(key: str, answer: str, *questions: str) -> Topic:
    return Topic(key, "free", answer, (), questions)


# fmt: off
TERMS = (
    term(
        "network",
        "The 0G Compute Network is a marketplace where GPU owners sell computing power to people who need AI.",
        "the 0G Compute Network", "0G Compute", "the 0G network", "this network", "the network",
        ask=("What is this network for?", "What does the 0G Compute Network do?", "What is 0G Compute for?"),
    ),
    term(
        "tool",
        "0g-compute is the program for this network: it buys answers, checks them and serves models.",
        "the 0g-compute program", "0g-compute", "`0g-compute`", "this program", "this tool",
        ask=("What does 0g-compute do?", "What does this tool do?", "What is this tool for?"),
    ),
    term(
        "provider",
        "A provider is a GPU owner who serves models on the network and is paid for each answer.",
        "a provider", "provider", "providers", "a GPU provider",
        ask=("What does a provider do?", "Who are the providers?"),
    ),
    term(
        "broker",
        "The broker is the program that a provider runs. It counts tokens, charges and signs receipts.",
        "the broker", "a broker", "broker", "the provider broker",
        ask=("What does the broker do?", "What does a broker do?"),
    ),
    term(
        "ledger",
        "The ledger is your account in the contract. It holds the 0G that you deposited.",
        "the ledger", "a ledger", "ledger", "my ledger",
        ask=("What does the ledger do?", "What is the ledger for?"),
    ),
    term(
        "sub-account",
        "A sub-account is the part of your ledger that is set aside for one provider.",
        "a sub-account", "sub-account", "a subaccount", "sub-accounts",
        ask=("What is a sub-account for?", "Why is there a sub-account?"),
    ),
    term(
        "receipt",
        "A receipt says what was delivered and what it cost.",
        "a receipt", "receipt", "receipts", "the receipt",
        ask=("What does a receipt say?", "What is in a receipt?", "What is a receipt for?"),
    ),
    term(
        "verdict",
        "A verdict says whether an answer was accepted, rejected, or could not be checked completely.",
        "a verdict", "verdict", "the verdict", "verdicts",
        ask=("What does a verdict say?", "What does the verdict tell me?", "Which verdicts are there?"),
    ),
    term(
        "settlement",
        "Settlement is how a provider collects on the chain what its users owe.",
        "settlement", "a settlement", "settling", "the settlement",
        ask=("How does settlement work?", "What is settlement for?"),
    ),
    term(
        "batch",
        "A batch is a list of accounts that a provider settles in one transaction.",
        "a batch", "batch", "batches", "batch settlement",
        ask=("What is in a batch?", "How does batch settlement work?"),
    ),
    term(
        "TEE",
        "A TEE is a trusted execution environment: hardware that protects a program and its keys from the owner of the "
        "machine.",
        "a TEE", "TEE", "TEEs", "a trusted execution environment", "the TEE",
        ask=("What does TEE stand for?", "What is a TEE for?", "Why is a TEE used?"),
    ),
    term(
        "TDX",
        "TDX is Intel's kind of TEE. It protects a whole virtual machine.",
        "TDX", "Intel TDX",
        ask=("What does TDX protect?", "Who makes TDX?"),
    ),
    term(
        "enclave",
        "An enclave is the protected part of a machine. The owner of the machine cannot read it.",
        "an enclave", "enclave", "the enclave", "enclaves",
        ask=("What is an enclave for?", "Who can read the enclave?"),
    ),
    term(
        "quote",
        "A quote is a statement signed by the hardware that says which program runs in the TEE.",
        "a quote", "quote", "quotes", "a TEE quote", "a TDX quote",
        ask=("What does a quote say?", "What is in a quote?", "What is a quote for?"),
    ),
    term(
        "attestation",
        "Attestation is proof from the hardware of which program runs and which keys it holds.",
        "attestation", "an attestation", "remote attestation",
        ask=("How does attestation work?", "What is attestation for?"),
    ),
    term(
        "measurement",
        "A measurement is a hash of the program that was loaded into the TEE.",
        "a measurement", "measurement", "measurements",
        ask=("What does a measurement say?", "What is a measurement for?"),
    ),
    term(
        "collateral",
        "Collateral is the data that is needed to check a quote, such as certificates and revocation lists.",
        "collateral", "the collateral", "quote collateral",
        ask=("What is collateral for?", "Why do I need collateral?"),
    ),
    term(
        "signer",
        "The signer is the key in the enclave that signs receipts and settlements.",
        "the signer", "a signer", "signer", "the TEE signer",
        ask=("What does the signer do?", "What does the signer sign?"),
    ),
    term(
        "acknowledgement",
        "An acknowledgement is your statement on the chain that you trust the signer of a provider.",
        "an acknowledgement", "acknowledgement", "acknowledgements", "the acknowledgement",
        ask=("Why do I acknowledge a provider?", "What is an acknowledgement for?"),
    ),
    term(
        "neuron",
        "A neuron is the smallest unit of money here. One 0G is 10^18 neuron.",
        "a neuron", "neuron", "neurons",
        ask=("How many neuron are one 0G?", "How many neurons are in one 0G?", "How much is a neuron?"),
    ),
    term(
        "0G",
        "0G is the token of this network. Answers, training and gas are paid in it.",
        "0G", "the 0G token", "the 0G coin", "one 0G",
        ask=("What is 0G for?", "What do I pay with?", "Which currency do I pay in?"),
    ),
    term(
        "gas",
        "Gas is the fee for a transaction on the chain.",
        "gas", "the gas fee", "gas fees",
        ask=("What is gas for?", "Why do I pay gas?"),
    ),
    term(
        "smart contract",
        "A smart contract is a program on the chain. Here the contracts hold the money and its rules.",
        "a smart contract", "smart contract", "smart contracts", "the contract",
        ask=("What do the contracts do?", "What are the contracts for?"),
    ),
    term(
        "voucher",
        "A voucher is a promise to pay that the payer signs, for providers without a TEE.",
        "a voucher", "voucher", "vouchers",
        ask=("What is a voucher for?", "Who signs a voucher?"),
    ),
    term(
        "stake",
        "The stake is money that a provider locks up and can lose when it contradicts itself.",
        "the stake", "a stake", "stake", "a provider stake",
        ask=("What is the stake for?", "Why does a provider have a stake?"),
    ),
    term(
        "dispute",
        "A dispute shows the contract two signed statements of a provider that contradict each other.",
        "a dispute", "dispute", "disputes",
        ask=("How does a dispute work?", "What is a dispute for?"),
    ),
    term(
        "escrow",
        "Escrow holds the money for a fine-tuning task until the model is delivered or the time is over.",
        "escrow", "the escrow", "fine-tuning escrow",
        ask=("How does escrow work?", "What is escrow for?"),
    ),
    term(
        "refund",
        "A refund moves money from a sub-account back to your ledger after the lock time.",
        "a refund", "refund", "refunds",
        ask=("How does a refund work?", "What is a refund for?"),
    ),
    term(
        "lock time",
        "The lock time is how long a refund waits before you can take it.",
        "the lock time", "lock time", "lockTime",
        ask=("Why is there a lock time?", "How long does a refund wait?", "How long does a refund take?"),
    ),
    term(
        "service",
        "A service is what a provider offers: a model, an address and a price.",
        "a service", "service", "a provider service",
        ask=("What does a service consist of?", "What is in a service?"),
    ),
    term(
        "inference",
        "Inference means that a trained model is run to get an answer.",
        "inference", "an inference", "model inference",
        ask=("How does inference work?", "What is inference for?"),
    ),
    term(
        "fine-tuning",
        "Fine-tuning teaches a trained model something new with your own data.",
        "fine-tuning", "fine tuning", "finetuning",
        ask=("What is fine-tuning for?", "How does fine-tuning work?", "Why would I fine-tune a model?"),
    ),
    term(
        "LoRA",
        "LoRA is a way of fine-tuning that trains a small adapter and leaves the weights of the model as they are.",
        "LoRA", "a LoRA", "a LoRA adapter",
        ask=("How does LoRA work?", "What is LoRA for?"),
    ),
    term(
        "dataset",
        "A dataset is a file of examples that a model is trained on.",
        "a dataset", "dataset", "datasets", "a data set",
        ask=("What is a dataset for?", "What is in a dataset?"),
    ),
    term(
        "model",
        "A model is a program made of numbers that were learned from examples.",
        "a model", "a language model", "an AI model", "models",
        ask=("How does a model work?", "What is a model made of?"),
    ),
    term(
        "token",
        "A token is a small piece of text. Models read and write tokens, and prices are per million tokens.",
        "a token", "token", "tokens", "a text token",
        ask=("What are tokens?", "What are tokens for?"),
    ),
    term(
        "engine",
        "The engine is the program that runs the model, such as llama.cpp or vLLM.",
        "the engine", "an engine", "engine",
        ask=("What does the engine do?", "Which engines are there?"),
    ),
    term(
        "0G Storage",
        "0G Storage is the network that keeps datasets and trained models.",
        "0G Storage", "the 0G Storage network",
        ask=("What is 0G Storage for?", "What does 0G Storage keep?"),
    ),
    term(
        "root",
        "A root is the hash that names a file in 0G Storage.",
        "a root", "a storage root", "a root hash", "the 0G root",
        ask=("What is a root for?", "What does a root name?"),
    ),
    term(
        "API key",
        "An API key is a secret that starts with app-sk- and lets an OpenAI client use a provider.",
        "an API key", "API key", "API keys", "app-sk-",
        ask=("What is an API key for?", "What does an API key look like?"),
    ),
    term(
        "devnet",
        "A devnet is a network of your own on one machine, with the contracts, funded accounts and this demo model.",
        "a devnet", "the devnet", "devnet",
        ask=("What is a devnet for?", "What is on the devnet?"),
    ),
    term(
        "testnet",
        "The testnet is the 0G network for tests. Its money has no value.",
        "the testnet", "testnet", "a testnet",
        ask=("What is the testnet for?", "What is testnet money worth?"),
    ),
    term(
        "mainnet",
        "The mainnet is the real 0G network. Its money has value.",
        "the mainnet", "mainnet",
        ask=("What is the mainnet for?", "What is mainnet money worth?"),
    ),
    term(
        "simulated TEE",
        "A simulated TEE makes quotes under a root of the devnet. It proves nothing about hardware.",
        "a simulated TEE", "simulated TEE", "simulated mode", "the simulated TEE",
        ask=("What does a simulated TEE prove?", "What does simulated mean?", "What is a simulated TEE for?"),
    ),
    term(
        "GPU",
        "A GPU is a processor that runs AI models fast. Providers rent theirs out here.",
        "a GPU", "GPU", "GPUs",
        ask=("What is a GPU for?", "Why do I need a GPU?"),
    ),
)

COMMANDS = (
    command("infer", "0g-compute infer sends one prompt to a provider, pays for the answer and checks it."),
    command("chat", "0g-compute chat opens a paid conversation with a model in the terminal."),
    command("fund", "0g-compute fund deposits 0G into your ledger. It shows the cost first."),
    command("fund status", "0g-compute fund status shows every place where your money is, and the next step."),
    command("fund withdraw", "0g-compute fund withdraw brings your money back to your wallet, step by step."),
    command("wallet new", "0g-compute wallet new makes a new key and keeps it encrypted."),
    command("proxy", "0g-compute proxy opens a local endpoint that any OpenAI client can use, paid and verified."),
    command("finetune create", "0g-compute finetune create checks your dataset, shows the price and starts the task."),
    command("finetune status", "0g-compute finetune status shows how far a fine-tuning task is."),
    command("dataset validate", "0g-compute dataset validate checks a dataset before you pay for anything."),
    command("provider list", "0g-compute provider list shows the providers with their models and prices."),
    command("provider verify", "0g-compute provider verify checks the attestation of a provider step by step."),
    command("provider serve", "0g-compute provider serve runs the broker, so that you can sell answers of your model."),
    command("provider earnings", "0g-compute provider earnings shows what a provider earned by day and model."),
    command("receipts audit", "0g-compute receipts audit compares your receipts with the chain and names every gap."),
    command("keys create", "0g-compute keys create makes an API key that you can revoke on the chain."),
    command("devnet up", "0g-compute devnet up starts a local chain with a provider that serves this demo model."),
    command("doctor", "0g-compute doctor checks your setup and names the command that repairs it."),
    command("config", "0g-compute config shows and changes settings."),
)

TASKS = (
    task(
        "fund account",
        "Run 0g-compute fund with an amount, for example 0g-compute fund 1. It deposits 0G into your ledger.",
        "fund my account", "fund my ledger", "deposit money", "deposit 0G", "add money", "top up my account", "pay in",
    ),
    task(
        "withdraw",
        "Run 0g-compute fund withdraw. It asks for refunds, waits for the lock time and pays you out.",
        "withdraw my money", "get my money back", "withdraw", "take my 0G out", "empty my account",
    ),
    task(
        "see balance",
        "Run 0g-compute fund status. It shows your wallet, your ledger and each sub-account.",
        "see my balance", "check my balance", "see how much money I have", "find my money", "see my account",
        ask=("What is my balance?", "Where is my money?", "How much money do I have?"),
    ),
    task(
        "ask a model",
        "Run 0g-compute infer with your prompt, for example 0g-compute infer \"Hello!\".",
        "ask a model", "send a prompt", "get an answer", "use a model", "run inference", "send a request",
    ),
    task(
        "become provider",
        "Run 0g-compute provider serve with a model, for example --model model.gguf. It registers your service and "
        "serves it.",
        "become a provider", "sell my GPU time", "earn money with my GPU", "serve a model", "offer a model",
        "rent out my GPU",
    ),
    task(
        "find provider",
        "Run 0g-compute provider list. With --sort price the cheapest comes first.",
        "find a provider", "choose a provider", "find the cheapest provider", "compare prices", "see the models",
        ask=("Which providers are there?", "Which models can I use?", "Who is the cheapest provider?"),
    ),
    task(
        "verify provider",
        "Run 0g-compute provider verify with the address of the provider. It checks the attestation.",
        "verify a provider", "check a provider", "check the attestation of a provider", "verify a quote",
        ask=("Can I trust a provider?", "How do I know that a provider is honest?"),
    ),
    task(
        "verify answer",
        "0g-compute infer checks every answer: signature, hashes, model and price. The verdict says the result.",
        "verify an answer", "check an answer", "know that an answer is real", "verify a response",
        ask=("Are answers checked?", "Is my answer verified?", "How are answers verified?"),
    ),
    task(
        "fine-tune",
        "Run 0g-compute finetune create with --model and --dataset. It shows the price before it starts.",
        "fine-tune a model", "finetune a model", "train a model", "train a model with my data", "teach a model",
        "start a fine-tuning task",
    ),
    task(
        "OpenAI client",
        "Run 0g-compute proxy and point your OpenAI client at the address that it prints.",
        "use an OpenAI client", "use the OpenAI SDK", "connect my app", "use this with the OpenAI API",
        ask=("Does it work with OpenAI clients?", "Is it compatible with OpenAI?"),
    ),
    task(
        "create wallet",
        "Run 0g-compute wallet new. It makes a key and keeps it encrypted.",
        "create a wallet", "make a wallet", "get a key", "make a new key",
    ),
    task(
        "create API key",
        "Run 0g-compute keys create. You can revoke the key later with 0g-compute keys revoke.",
        "create an API key", "make an API key", "get an API key",
    ),
    task(
        "start devnet",
        "Run 0g-compute devnet up. It needs no money and no GPU.",
        "start a devnet", "try it without money", "try this on my machine", "run everything on my machine",
        "test this for free",
    ),
    task(
        "repair",
        "Run 0g-compute doctor. It names what is wrong and the command that repairs it.",
        "repair my setup", "check my setup", "find out what is wrong", "fix a problem",
        ask=("It does not work.", "Something is broken.", "I get an error. What now?", "Why does it not work?"),
    ),
    task(
        "see receipts",
        "Run 0g-compute receipts list. With 0g-compute receipts audit you compare them with the chain.",
        "see my receipts", "list my receipts", "find my receipts", "check my receipts",
        ask=("Where are my receipts?",),
    ),
    task(
        "check dataset",
        "Run 0g-compute dataset validate with your file. It costs nothing.",
        "check my dataset", "validate my dataset", "check my training data",
    ),
)

FREE = (
    free(
        "overview",
        "The 0G Compute Network connects GPU owners with people who need AI. You deposit 0G into your ledger. A "
        "provider answers your prompt in a TEE and signs a receipt. Your client checks the receipt and gives a "
        "verdict. The provider collects its fees by settlement.",
        "How does the network work?", "How does the 0G Compute Network work?", "How does it all work?",
        "Tell me everything about the network.", "Explain how the network works.", "How does it work?",
        "Give me an overview.", "How does 0G Compute work?", "Tell me how the network works.",
    ),
    free(
        "minimum",
        "No, there is no minimum. You can deposit any amount.",
        "Is there a minimum deposit?", "Is there a minimum?", "How much do I have to deposit?",
        "What is the minimum deposit?", "What is the smallest deposit?", "Do I need a minimum balance?",
        "What is the minimum amount?", "Is there a smallest amount?",
    ),
    free(
        "cost",
        "Each provider sets its own price per million tokens. 0g-compute provider list shows the prices.",
        "How much does it cost?", "What does it cost?", "What does an answer cost?", "How expensive is it?",
        "What is the price?", "Who sets the price?", "How much do I pay?", "What do I pay for an answer?",
        "How much is an answer?", "What are the prices?",
    ),
    free(
        "privacy",
        "With a TEE the owner of the machine cannot read your prompt, and the broker never writes it to disk or log.",
        "Is my data private?", "Is my data safe?", "Is my prompt private?", "Who can read my prompt?",
        "Can the provider read my prompt?", "Are my prompts stored?", "Is my data secure?",
        "Do you store my prompts?", "Who sees my data?", "Are prompts logged?",
    ),
    free(
        "who holds money",
        "The smart contract holds your money. A provider gets only what its enclave has signed for.",
        "Who holds my money?", "Is my money safe?", "Who has my money?", "Can a provider steal my money?",
        "Where is my money kept?", "Who keeps my deposit?", "Is my deposit safe?", "Can I lose my money?",
    ),
    free(
        "cheating",
        "When a provider signs two statements that contradict each other, anyone can prove it and the provider loses "
        "its stake.",
        "What if a provider cheats?", "What happens when a provider cheats?", "Can a provider cheat?",
        "What happens to a dishonest provider?", "How is cheating punished?", "What if the provider lies?",
        "What happens if a provider cheats?", "Is a cheating provider punished?",
    ),
    free(
        "incomplete",
        "Incomplete means that something could not be checked. It is not accepted and not rejected.",
        "What does incomplete mean?", "What is an incomplete verdict?", "Why is my verdict incomplete?",
        "What if the verification is incomplete?", "What does an incomplete verdict mean?",
        "My verdict is incomplete.", "What is incomplete?", "The verdict says incomplete.",
    ),
    free(
        "services",
        "The network offers inference and fine-tuning.",
        "Which services are there?", "What services does the network offer?", "What does the network offer?",
        "What can I buy here?", "Which services can I buy?", "What can I use the network for?",
        "What services are offered?", "What is offered here?",
    ),
    free(
        "who are you",
        "I am the demo model of the 0G Compute Network. I am very small and know only a little.",
        "Who are you?", "What are you?", "What is your name?", "Are you a human?", "Are you ChatGPT?", "Are you an AI?",
        "Introduce yourself.", "Tell me about yourself.", "Which model are you?", "Are you a robot?",
        "What model are you?", "Are you a model?", "What's your name?",
    ),
    free(
        "what can you do",
        "I can answer questions about this network, add and subtract small numbers, and read facts in your message.",
        "What can you do?", "What do you know?", "What can I ask you?", "How can you help me?", "Can you help me?",
        "What are you good at?", "What are you for?", "What questions can you answer?", "What can you answer?",
        "Help!", "Help me.", "I need help.",
    ),
    free(
        "how big are you",
        "I have fewer than two million weights. Large models have thousands of times as many.",
        "How big are you?", "How large are you?", "How many parameters do you have?", "What is your size?",
        "How many weights do you have?", "Are you a large model?", "How small are you?", "Are you big?",
    ),
    free(
        "who made you",
        "A script in the 0g-compute repository made me from text that it generated.",
        "Who made you?", "Who created you?", "Who trained you?", "How were you made?", "How were you trained?",
        "Where do you come from?", "Who built you?", "What were you trained on?",
    ),
)

SMALL_TALK = (
    free(
        "hello", "Hello! Ask me about the 0G Compute Network.",
        "Hello!", "Hello.", "Hi!", "Hi.", "Hey!", "Hi there!", "Hello there!", "Good morning!", "Good evening!",
        "Good day!", "Greetings!", "Hello, model!", "Hey there!", "Good afternoon!",
    ),
    free(
        "how are you", "I am well, thank you. What would you like to know?",
        "How are you?", "How are you doing?", "How is it going?", "How do you do?", "Are you well?",
        "How are you today?", "How's it going?", "Hello, how are you?", "Hi, how are you?",
    ),
    free(
        "thanks", "You are welcome.",
        "Thank you!", "Thanks!", "Thank you very much!", "Thanks a lot!", "Many thanks!", "Great, thank you!",
        "Thank you for your help!", "Thx!", "Okay, thank you.", "Thanks for the help!",
    ),
    free(
        "bye", "Goodbye!",
        "Bye!", "Goodbye!", "See you!", "Bye bye!", "See you later!", "Good night!", "Farewell!", "Good bye!",
        "See you tomorrow!",
    ),
    free(
        "praise", "I am glad to hear that.",
        "Great!", "Very good!", "Nice!", "Cool!", "Well done!", "That is good.", "Perfect!", "Good answer!",
        "That helps.", "Awesome!",
    ),
    free(
        "agree", "Good. What else would you like to know?",
        "Okay.", "Ok.", "Yes.", "I see.", "All right.", "Understood.", "I understand.", "Got it.", "Sure.", "No.",
    ),
)

# fmt: on
TOPICS = (*TERMS, *COMMANDS, *TASKS, *FREE, *SMALL_TALK)
