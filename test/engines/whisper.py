"""Writes a Whisper that has learned nothing: the real architecture, small, with random weights."""

import sys

import torch
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

folder = sys.argv[1]
torch.manual_seed(0)

LETTERS = [*"abcdefghijklmnopqrstuvwxyz", "Ġ"]
END, START, PLAIN = "<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"
ids = {token: index for index, token in enumerate([*LETTERS, END, START, PLAIN])}
tokenizer = WhisperTokenizer(vocab=ids, merges=[], additional_special_tokens=[START, PLAIN])
special = {
    "pad_token_id": ids[END],
    "bos_token_id": ids[END],
    "eos_token_id": ids[END],
    "decoder_start_token_id": ids[START],
}

config = WhisperConfig(
    vocab_size=len(tokenizer),
    num_mel_bins=80,
    d_model=16,
    encoder_layers=1,
    decoder_layers=1,
    encoder_attention_heads=2,
    decoder_attention_heads=2,
    encoder_ffn_dim=32,
    decoder_ffn_dim=32,
    max_target_positions=64,
    suppress_tokens=None,
    begin_suppress_tokens=None,
    **special,
)
model = WhisperForConditionalGeneration(config)
model.generation_config = GenerationConfig(
    max_length=24, no_timestamps_token_id=ids[PLAIN], is_multilingual=False, return_timestamps=False, **special
)
model.save_pretrained(folder)
WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(folder)
