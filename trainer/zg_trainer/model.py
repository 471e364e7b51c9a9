"""The model that a job trains: a base model, with an adapter or not, or a new one."""

import importlib.util
from dataclasses import dataclass

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from zg_trainer.chat import CHAT_TEMPLATE
from zg_trainer.dataset import Sample
from zg_trainer.errors import BadInput
from zg_trainer.job import Job
from zg_trainer.parameters import Parameters
from zg_trainer.tokenizer import learn_tokenizer

DEFAULT_LENGTH = 512


@dataclass(frozen=True)
class Precision:
    """How numbers are held: bf16 arithmetic where the GPU has it, weights that are trained always in 32 bits."""

    bf16: bool

    @property
    def frozen_dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.bf16 else torch.float32


def precision_of(parameters: Parameters) -> Precision:
    if parameters.precision == "auto":
        return Precision(torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    return Precision(parameters.precision == "bf16")


def load_tokenizer(job: Job, samples: list[Sample]) -> PreTrainedTokenizerFast:
    if job.scratch:
        texts = (text for sample in samples for text in (sample.text, *(m.content for m in sample.messages)) if text)
        tokenizer = learn_tokenizer(texts, job.scratch.vocabulary, config_of(job).max_position_embeddings)
    else:
        try:
            tokenizer = AutoTokenizer.from_pretrained(job.model, local_files_only=True)
        except (OSError, ValueError) as error:
            raise BadInput(f"the model's tokenizer cannot be loaded: {_short(error)}") from error
    if job.chat_template:
        tokenizer.chat_template = CHAT_TEMPLATE if job.chat_template == "chatml" else job.chat_template
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def config_of(job: Job, tokenizer: PreTrainedTokenizerFast | None = None) -> AutoConfig:
    try:
        if not job.scratch:
            return AutoConfig.from_pretrained(job.model, local_files_only=True)
        sizes = dict(job.scratch.config)
        if tokenizer:
            sizes |= {
                "vocab_size": len(tokenizer),
                "bos_token_id": tokenizer.bos_token_id,
                "eos_token_id": tokenizer.eos_token_id,
                "pad_token_id": tokenizer.pad_token_id,
            }
        return AutoConfig.for_model(sizes.pop("model_type"), **sizes)
    except (OSError, ValueError, TypeError, KeyError, StrictDataclassError) as error:
        raise BadInput(f"the model's configuration is not valid: {_short(error)}") from error


def row_length(job: Job) -> int:
    """The longest row: as asked, or as long as the model allows up to 512 tokens."""
    config = config_of(job)
    context = getattr(config, "max_position_embeddings", None) or DEFAULT_LENGTH
    asked = job.parameters.sequence_length
    if asked > context:
        raise BadInput(f"sequence_length is {asked}; the model's context is {context}")
    return asked or min(DEFAULT_LENGTH, context)


def check_method(job: Job) -> None:
    """What the machine must have for the method, before any work."""
    if job.method != "qlora":
        return
    if not torch.cuda.is_available():
        raise BadInput("qlora needs a CUDA GPU, and there is none: use lora")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise BadInput("qlora needs the Python package bitsandbytes, which is not installed: use lora")


def load_model(job: Job, tokenizer: PreTrainedTokenizerFast, device: torch.device) -> PreTrainedModel:
    torch.manual_seed(job.seed)
    precision = precision_of(job.parameters)
    model = _new(job, tokenizer) if job.scratch else _pretrained(job, precision, device)
    model.config.use_cache = False
    if job.parameters.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if job.method in ("lora", "qlora"):
        model = _with_adapter(model, job)
    return model.train()


def _new(job: Job, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    config, limit = config_of(job, tokenizer), job.limits.parameters
    try:
        if limit:
            with torch.device("meta"):  # counted before any memory is taken for them
                count = sum(tensor.numel() for tensor in AutoModelForCausalLM.from_config(config).parameters())
            if count > limit:
                raise BadInput(f"the configuration makes {count} parameters, {limit} are the most")
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    except (ValueError, TypeError, RuntimeError) as error:
        raise BadInput(f"no model can be made of this configuration: {_short(error)}") from error


def _pretrained(job: Job, precision: Precision, device: torch.device) -> PreTrainedModel:
    options: dict[str, object] = {"dtype": torch.float32 if job.method == "full" else precision.frozen_dtype}
    if job.method == "qlora":
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=precision.frozen_dtype,
        )
        options["device_map"] = {"": device}
    try:
        # Safetensors only: other formats run code when they are loaded.
        return AutoModelForCausalLM.from_pretrained(job.model, local_files_only=True, use_safetensors=True, **options)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"the model cannot be loaded: {_short(error)}") from error


def _with_adapter(model: PreTrainedModel, job: Job) -> PreTrainedModel:
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    p = job.parameters
    if job.method == "qlora":
        model = prepare_model_for_kbit_training(model, p.gradient_checkpointing, {"use_reentrant": False})
    targets = [name.strip() for name in p.lora_targets.split(",")]
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=p.lora_rank,
        lora_alpha=p.lora_alpha,
        lora_dropout=p.lora_dropout,
        target_modules="all-linear" if targets == ["all-linear"] else targets,
    )
    try:
        adapted = get_peft_model(model, config)
    except ValueError as error:
        raise BadInput(f"the adapter cannot be added: {_short(error)}") from error
    adapted.peft_config["default"].base_model_name_or_path = job.base_name
    return adapted


def _short(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
