"""The demo model's tokenizer, learned from generated conversations."""

from itertools import islice

from transformers import PreTrainedTokenizerFast

from zg_trainer.demo.dialogue import conversations
from zg_trainer.tokenizer import learn_tokenizer


def train_tokenizer(seed: int, vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    texts = (f"{m.role}\n{m.content}\n" for messages in islice(conversations(seed), 8000) for m in messages)
    return learn_tokenizer(texts, vocabulary, context)
