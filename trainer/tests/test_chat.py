from pathlib import Path

from transformers import AutoTokenizer

from zg_trainer.chat import Message, encode_conversation

DEMO = Path(__file__).parents[2] / "models" / "demo"
MESSAGES = [
    Message("system", "Be brief."),
    Message("user", "What is a receipt?"),
    Message("assistant", "A receipt says what was delivered and what it cost."),
    Message("user", "Thank you!"),
    Message("assistant", "You are welcome."),
]


def test_tokens_are_those_of_the_chat_template():
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    tokens, _ = encode_conversation(tokenizer, MESSAGES)
    as_dicts = [{"role": message.role, "content": message.content} for message in MESSAGES]
    assert tokens == tokenizer.apply_chat_template(as_dicts)["input_ids"]


def test_only_answers_and_their_end_count_in_the_loss():
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    tokens, counted = encode_conversation(tokenizer, MESSAGES)
    text = tokenizer.decode([token for token, counts in zip(tokens, counted, strict=True) if counts])
    assert text == "A receipt says what was delivered and what it cost.<|im_end|>You are welcome.<|im_end|>"


def test_any_text_survives_the_tokenizer():
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    for text in ("", " a  b\n\n\tc ", "你好 🤖 ñ", "مرحبا ١٢٣", "\x00\x7f\u200b", "12345 x += 1\r\n", "it's I'LL"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
