"""Conversations as tokens: the chat template, and which tokens a model is trained on."""

from dataclasses import dataclass
from typing import Protocol

# ChatML. No BOS: the template's first token opens the conversation, so an engine must not add one.
END_OF_TEXT = "<|endoftext|>"
START = "<|im_start|>"
END = "<|im_end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Message:
    role: str
    content: str


class Tokenizer(Protocol):
    def encode(self, text: str) -> list[int]: ...


def encode_conversation(tokenizer: Tokenizer, messages: list[Message]) -> tuple[list[int], list[bool]]:
    """The conversation's tokens, and for each whether it counts in the loss: answers and their end do."""
    tokens: list[int] = []
    answers: list[bool] = []

    def add(text: str, is_answer: bool) -> None:
        encoded = tokenizer.encode(text)
        tokens.extend(encoded)
        answers.extend([is_answer] * len(encoded))

    for message in messages:
        add(f"{START}{message.role}\n", False)
        add(f"{message.content}{END}", message.role == "assistant")
        add("\n", False)
    return tokens, answers
