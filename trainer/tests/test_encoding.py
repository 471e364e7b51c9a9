from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from zg_trainer.chat import Message, encode_conversation
from zg_trainer.dataset import Sample
from zg_trainer.encoding import Encoded, encode
from zg_trainer.errors import BadInput

DEMO = Path(__file__).parents[2] / "models" / "demo"
CONVERSATION = (
    Message("system", "Be brief."),
    Message("user", "What is a receipt?"),
    Message("assistant", "A receipt says what it cost."),
    Message("user", "Thank you!"),
    Message("assistant", "You are welcome.\n"),
)
# As Qwen3 does: thoughts stand before the last answer alone.
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(DEMO)


def counted(tokenizer: PreTrainedTokenizerFast, encoded: Encoded) -> list[str]:
    """For each row, what of it counts in the loss."""
    return [tokenizer.decode([t for t, c in zip(row.tokens, row.counted, strict=True) if c]) for row in encoded.rows]


def test_all_answers_of_a_conversation_count_and_nothing_else(tokenizer):
    encoded = encode([Sample(messages=CONVERSATION)], tokenizer, 512, "fail")
    assert counted(tokenizer, encoded) == ["A receipt says what it cost.<|im_end|>You are welcome.\n<|im_end|>"]


def test_it_is_what_the_demo_model_was_trained_with(tokenizer):
    tokens, answers = encode_conversation(tokenizer, list(CONVERSATION))
    (row,) = encode([Sample(messages=CONVERSATION)], tokenizer, 512, "fail").rows
    assert tokens[:-1] == row.tokens[:-1]
    assert answers == row.counted


def test_a_question_after_the_last_answer_is_left_out(tokenizer):
    longer = (*CONVERSATION, Message("user", "More?"))
    assert (
        encode([Sample(messages=longer)], tokenizer, 512, "fail").rows
        == encode([Sample(messages=CONVERSATION)], tokenizer, 512, "fail").rows
    )


def test_where_earlier_answers_are_rendered_otherwise_each_gets_a_row(tokenizer):
    tokenizer.chat_template = THINKING
    encoded = encode([Sample(messages=CONVERSATION)], tokenizer, 512, "fail")
    assert counted(tokenizer, encoded) == [
        "<think>\n\n</think>\n\nA receipt says what it cost.<|im_end|>",
        "<think>\n\n</think>\n\nYou are welcome.\n<|im_end|>",
    ]
    assert encoded.owners == [0, 0]
    assert "<think>" not in tokenizer.decode(encoded.rows[1].tokens).split("Thank you!")[0]


def test_of_plain_text_everything_counts_with_its_end(tokenizer):
    encoded = encode([Sample(text="A receipt.")], tokenizer, 512, "fail")
    assert tokenizer.decode(encoded.rows[0].tokens) == "A receipt.<|im_end|>"
    assert encoded.rows[0].counted == [False] + [True] * (len(encoded.rows[0].tokens) - 1)


def test_too_long_rows(tokenizer):
    long, short = Sample(text="receipt " * 50), Sample(text="a receipt")
    whole = encode([long], tokenizer, 512, "fail").tokens
    truncated = encode([long, short], tokenizer, 32, "truncate")
    assert len(truncated.rows[0].tokens) == 32
    assert (truncated.truncated, truncated.dropped) == (1, 0)
    split = encode([long], tokenizer, 32, "split")
    assert split.tokens == whole and len(split.rows) == -(-whole // 32)
    assert not any(row.counted[0] for row in split.rows)
    dropped = encode([long, short], tokenizer, 32, "drop")
    assert (dropped.owners, dropped.dropped) == ([1], 1)
    with pytest.raises(BadInput, match=r"example 1 has .* tokens; sequence_length is 32"):
        encode([long], tokenizer, 32, "fail")


def test_a_row_cut_before_its_answer_is_dropped(tokenizer):
    asked = Sample(messages=(Message("user", "receipt " * 50), Message("assistant", "Yes.")))
    with pytest.raises(BadInput, match="no example has an answer within"):
        encode([asked], tokenizer, 32, "truncate")


def test_a_model_without_a_template_takes_plain_text_only(tokenizer):
    tokenizer.chat_template = None
    assert encode([Sample(text="a")], tokenizer, 32, "fail").rows
    with pytest.raises(BadInput, match="no chat template"):
        encode([Sample(messages=CONVERSATION)], tokenizer, 512, "fail")


def test_a_template_that_refuses_a_role_says_so(tokenizer):
    tokenizer.chat_template = "{{ raise_exception('no system prompts') }}"
    with pytest.raises(BadInput, match="refuses example 1: no system prompts"):
        encode([Sample(messages=CONVERSATION)], tokenizer, 512, "fail")
