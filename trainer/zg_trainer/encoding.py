"""Samples as rows of tokens, each token marked whether it counts in the loss: answers do, and plain text."""

from dataclasses import dataclass

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerFast

from zg_trainer.chat import Message
from zg_trainer.dataset import Sample
from zg_trainer.errors import BadInput

Span = tuple[int, int]


@dataclass(frozen=True)
class Row:
    tokens: list[int]
    counted: list[bool]


@dataclass(frozen=True)
class Encoded:
    rows: list[Row]
    owners: list[int]
    """The sample of each row."""
    truncated: int
    dropped: int

    @property
    def tokens(self) -> int:
        """What one pass over the dataset trains on, and what is charged for: every token, but no padding."""
        return sum(len(row.tokens) for row in self.rows)

    @property
    def answer_tokens(self) -> int:
        return sum(sum(row.counted) for row in self.rows)


def encode(samples: list[Sample], tokenizer: PreTrainedTokenizerFast, length: int, too_long: str) -> Encoded:
    """The rows of all samples, none longer than `length`; BadInput when nothing is left to learn."""
    if not tokenizer.is_fast:
        raise BadInput("the model's tokenizer has no tokenizer.json: a fast tokenizer is needed")
    if any(sample.messages for sample in samples) and not tokenizer.chat_template:
        raise BadInput("the model has no chat template: give chatTemplate in the job, or a dataset of plain text")
    rows: list[Row] = []
    owners: list[int] = []
    truncated = dropped = 0
    for number, sample in enumerate(samples):
        for row in _rows(sample, tokenizer, number):
            if len(row.tokens) > length and too_long == "fail":
                raise BadInput(f"example {number + 1} has {len(row.tokens)} tokens; sequence_length is {length}")
            fitting = [piece for piece in _fit(row, length, too_long) if any(piece.counted)]
            truncated += len(row.tokens) > length and too_long == "truncate" and bool(fitting)
            dropped += not fitting
            rows += fitting
            owners += [number] * len(fitting)
    if not rows:
        raise BadInput("no example has an answer within sequence_length")
    return Encoded(rows, owners, truncated, dropped)


def _fit(row: Row, length: int, too_long: str) -> list[Row]:
    if len(row.tokens) <= length:
        return [row]
    starts = {"split": range(0, len(row.tokens), length), "truncate": [0], "drop": []}[too_long]
    pieces = [(row.tokens[s : s + length], row.counted[s : s + length]) for s in starts]
    return [Row(tokens, [False, *counted[1:]]) for tokens, counted in pieces]


def _rows(sample: Sample, tokenizer: PreTrainedTokenizerFast, number: int) -> list[Row]:
    if not sample.messages:
        end = tokenizer.eos_token or ""
        return [_row(tokenizer, sample.text + end, [(0, len(sample.text) + len(end))], special=True)]
    try:
        return [_row(tokenizer, text, spans) for text, spans in _conversations(sample.messages, tokenizer)]
    except TemplateError as error:
        # The reason is the template's own text, such as "System role not supported".
        raise BadInput(f"the chat template refuses example {number + 1}: {error}") from error


def _conversations(messages: tuple[Message, ...], tokenizer: PreTrainedTokenizerFast) -> list[tuple[str, list[Span]]]:
    """The rendered conversation with its answers' places.

    Where a template renders earlier answers in another way than the last one (Qwen3 leaves out their thoughts), each
    answer becomes a row of its own, seen as it is when the model is asked.
    """
    answers = [i for i, message in enumerate(messages) if message.role == "assistant"]
    whole = render(tokenizer, messages[: answers[-1] + 1])
    spans: list[Span] = []
    for i in answers:
        prompt = render(tokenizer, messages[:i], ask=True)
        upto = render(tokenizer, messages[: i + 1])
        if not (whole.startswith(prompt) and whole.startswith(upto) and len(upto) > len(prompt)):
            return [_last_answer(tokenizer, messages[: i + 1]) for i in answers]
        spans.append((len(prompt), _end(tokenizer, upto, len(prompt))))
    return [(whole, spans)]


def _last_answer(tokenizer: PreTrainedTokenizerFast, messages: tuple[Message, ...]) -> tuple[str, list[Span]]:
    text, prompt = render(tokenizer, messages), render(tokenizer, messages[:-1], ask=True)
    start = next((i for i, (a, b) in enumerate(zip(text, prompt, strict=False)) if a != b), min(len(text), len(prompt)))
    return text, [(start, _end(tokenizer, text, start))]


def _end(tokenizer: PreTrainedTokenizerFast, text: str, start: int) -> int:
    """Where the answer ends: after its end-of-turn token, without the line break that many templates put behind it."""
    stripped = text.rstrip()
    closed = any(stripped.endswith(token) for token in tokenizer.added_tokens_encoder)
    return len(stripped) if closed and len(stripped) > start else len(text)


def render(tokenizer: PreTrainedTokenizerFast, messages: tuple[Message, ...], ask: bool = False) -> str:
    """The conversation as the model's template writes it; `ask` opens the next answer."""
    if not messages:
        return ""
    dicts = [{"role": message.role, "content": message.content} for message in messages]
    return tokenizer.apply_chat_template(dicts, tokenize=False, add_generation_prompt=ask)


def _row(tokenizer: PreTrainedTokenizerFast, text: str, spans: list[Span], special: bool = False) -> Row:
    encoded = tokenizer(text, add_special_tokens=special, return_offsets_mapping=True, verbose=False)
    counted = [
        end > start and any(start >= first and end <= last for first, last in spans)
        for start, end in encoded["offset_mapping"]
    ]
    if special and tokenizer.eos_token_id is not None and encoded["input_ids"][-1] == tokenizer.eos_token_id:
        counted[-1] = True
    # Nothing comes before the first token that it could be told from.
    return Row(encoded["input_ids"], [False, *counted[1:]])
