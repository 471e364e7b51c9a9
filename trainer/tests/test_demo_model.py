from pathlib import Path

import pytest
from gguf import GGUFReader
from transformers import AutoTokenizer

from zg_trainer.chat import CHAT_TEMPLATE
from zg_trainer.demo.dialogue import UNKNOWN
from zg_trainer.demo.evaluate import answers, load
from zg_trainer.demo.export import write_gguf
from zg_trainer.demo.tokenizer import train_tokenizer
from zg_trainer.demo.train import Options, new_model

DEMO = Path(__file__).parents[2] / "models" / "demo"


def test_gguf_holds_the_shape_the_tokenizer_and_the_template(tmp_path: Path):
    options = Options(vocabulary=400, context=64, width=32, inner_width=64, layers=1, heads=2)
    tokenizer = train_tokenizer(1, options.vocabulary, options.context)
    write_gguf(new_model(options, tokenizer), tokenizer, tmp_path / "tiny.gguf")
    reader = GGUFReader(tmp_path / "tiny.gguf")

    def field(name: str):
        return reader.get_field(name).contents()

    assert field("llama.embedding_length") == 32
    assert field("llama.context_length") == 64
    assert field("tokenizer.ggml.pre") == "qwen2"
    assert field("tokenizer.ggml.tokens") == tokenizer.convert_ids_to_tokens(range(400))
    assert field("tokenizer.ggml.eos_token_id") == tokenizer.eos_token_id
    assert field("tokenizer.ggml.add_bos_token") is False
    assert field("tokenizer.chat_template") == CHAT_TEMPLATE
    assert {"token_embd.weight", "output_norm.weight", "blk.0.attn_q.weight"} <= {t.name for t in reader.tensors}


def test_both_forms_of_the_model_share_the_tokenizer():
    tokens = GGUFReader(DEMO / "demo.gguf").get_field("tokenizer.ggml.tokens").contents()
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    assert tokens == tokenizer.convert_ids_to_tokens(range(len(tokenizer)))


def test_the_model_is_small():
    assert sum(file.stat().st_size for file in DEMO.iterdir()) < 8_000_000


@pytest.fixture(scope="module")
def model():
    return load(DEMO)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is a receipt?", "A receipt says what was delivered and what it cost."),
        ("what is a receipt", "A receipt says what was delivered and what it cost."),
        ("What is 7 plus 8?", "7 plus 8 is 15."),
        ("What is 7 + 8?", "7 plus 8 is 15."),
        ("Where does Zibo live?", "I do not know that about Zibo."),
        ("Zibo lives in Accra. Where does Zibo live?", "Zibo lives in Accra."),
        ("Who is the president of France?", UNKNOWN),
        ("What is the capital of Peru?", UNKNOWN),
        ("Thank you!", "You are welcome."),
    ],
)
def test_the_model_answers(model, question: str, expected: str):
    assert answers(*model, [question]) == [expected]
