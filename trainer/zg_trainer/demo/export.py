"""Writes the model as Hugging Face files and as GGUF for llama.cpp."""

import json
from pathlib import Path

import gguf
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from zg_trainer.tokenizer import PRE_TOKENIZER

NAME = "0g-compute demo"

# Hugging Face's names of tensors, and llama.cpp's.
LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def export(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Both forms hold the same 16-bit weights."""
    model = model.to(torch.float16)
    model.generation_config.do_sample = False
    model.generation_config.max_new_tokens = 128
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder, save_jinja_files=False)
    _name_tokenizer_class(folder / "tokenizer_config.json")
    (folder / "model.safetensors").chmod(0o644)
    write_gguf(model, tokenizer, folder / "demo.gguf")


def _name_tokenizer_class(file: Path) -> None:
    """The name that transformers 4, and the servers built on it, know as well as transformers 5."""
    settings = json.loads(file.read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    settings.pop("backend", None)
    file.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")


def write_gguf(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, file: Path) -> None:
    writer = gguf.GGUFWriter(file, "llama")
    _write_shape(writer, model)
    _write_tokenizer(writer, tokenizer)
    heads = model.config.num_attention_heads
    for name, tensor in model.model.state_dict().items():
        weights = _interleave(tensor, heads) if name.endswith(("q_proj.weight", "k_proj.weight")) else tensor
        # Norms stay 32-bit: llama.cpp multiplies by them element by element.
        writer.add_tensor(_gguf_name(name), (weights.float() if weights.ndim == 1 else weights).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_shape(writer: gguf.GGUFWriter, model: LlamaForCausalLM) -> None:
    config = model.config
    writer.add_name(NAME)
    writer.add_license("Apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)


def _write_tokenizer(writer: gguf.GGUFWriter, tokenizer: PreTrainedTokenizerFast) -> None:
    bpe = json.loads(tokenizer.backend_tokenizer.to_str())
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = set(tokenizer.convert_tokens_to_ids(token["content"]) for token in bpe["added_tokens"])
    types = [gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for i in range(len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in bpe["model"]["merges"]])
    # llama.cpp assumes token 11 where none is named; with add_bos_token false it is never added.
    writer.add_bos_token_id(tokenizer.pad_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(tokenizer.chat_template)


def _gguf_name(name: str) -> str:
    if name in ("embed_tokens.weight", "norm.weight"):
        return {"embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}[name]
    _, layer, part = name.removesuffix(".weight").split(".", 2)
    return f"blk.{layer}.{LAYER_NAMES[part]}.weight"


def _interleave(weights: torch.Tensor, heads: int) -> torch.Tensor:
    """llama.cpp rotates neighbouring elements, Hugging Face the two halves of a head."""
    rows, columns = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns).contiguous()
