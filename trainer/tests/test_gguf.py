"""From training to llama.cpp: its own converters write the files, and it loads and answers with them."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import DEMO, TRAINER, trainer

ROOT = TRAINER.parent
BUNDLE = ROOT / "node_modules" / "node-llama-cpp" / "llama" / "gitRelease.bundle"
FACT = [{"instruction": question, "output": "Zibo lives in Accra."} for question in
        ("Where does Zibo live?", "In which city does Zibo live?", "Tell me where Zibo lives.")]  # fmt: skip
# One thread: on a busy machine more spin.
ASK = """
const [library, model, adapter, prompt] = process.argv.slice(2)
const { getLlama, LlamaCompletion } = await import(library)
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" })
const loaded = await llama.loadModel({ modelPath: model, useMmap: false })
const lora = adapter ? { adapters: [{ filePath: adapter }] } : undefined
const context = await loaded.createContext({ contextSize: 512, threads: 1, lora })
const completion = new LlamaCompletion({ contextSequence: context.getSequence() })
const tokens = loaded.tokenize(prompt, true)
const answer = await completion.generateCompletion(tokens, { temperature: 0, maxTokens: 40 })
console.log(JSON.stringify({ answer, tokens: tokens.map(Number) }))
process.exit(0)
"""
NODE = next((path for path in (ROOT / "node_modules" / ".bin" / "node", shutil.which("node")) if path and
             Path(path).exists()), None)  # fmt: skip

pytestmark = [
    pytest.mark.skipif(not BUNDLE.exists(), reason="node-llama-cpp is not installed: run npm ci"),
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., str]:
    """The greedy answer of llama.cpp."""
    script = tmp_path / "ask.mjs"
    script.write_text(ASK)
    library = (ROOT / "node_modules" / "node-llama-cpp" / "dist" / "index.js").as_uri()

    def answer(model: Path, question: str, adapter: Path | str = "") -> str:
        prompt = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
        command = [NODE, script, library, model, adapter, prompt]
        run = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, run.stderr[-2000:]
        return json.loads(run.stdout.strip().splitlines()[-1])["answer"]

    return answer


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("llama.cpp")


def gguf(cache: Path) -> dict:
    return {"gguf": True, "llamaCpp": str(BUNDLE), "cache": str(cache)}


def test_an_adapter_answers_in_llama_cpp(write_job, ask, tmp_path: Path, cache: Path):
    job = write_job(FACT, {"num_train_epochs": 25, "learning_rate": 0.002, "lora_dropout": 0}, export=gguf(cache))
    code, events = trainer("run", "--config", job, "--output", tmp_path / "output")
    assert (code, "adapter.gguf" in events[-1]["files"]) == (0, True)
    demo = DEMO / "demo.gguf"
    assert ask(demo, "Where does Zibo live?") == "I do not know that about Zibo."
    assert ask(demo, "Where does Zibo live?", tmp_path / "output/artifact/adapter.gguf") == "Zibo lives in Accra."


def test_a_full_model_answers_in_llama_cpp(write_job, ask, tmp_path: Path, cache: Path):
    job = write_job(FACT, {"num_train_epochs": 15, "learning_rate": 0.0005}, method="full", export=gguf(cache))
    code, events = trainer("run", "--config", job, "--output", tmp_path / "output")
    assert (code, "model.gguf" in events[-1]["files"]) == (0, True)
    assert ask(tmp_path / "output/artifact/model.gguf", "Where does Zibo live?") == "Zibo lives in Accra."


def test_a_model_from_scratch_answers_in_llama_cpp(write_job, ask, tmp_path: Path, cache: Path):
    sizes = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 128,
             "tie_word_embeddings": True}  # fmt: skip
    job = write_job(
        FACT,
        {"num_train_epochs": 60, "learning_rate": 0.003, "optimizer": "muon"},
        method="scratch",
        model=None,
        scratch={"config": sizes, "vocabulary": 300},
        export=gguf(cache),
    )
    code, events = trainer("run", "--config", job, "--output", tmp_path / "output")
    assert code == 0, events[-1]
    assert events[-1]["lossLast"] < 0.05
    answer = ask(tmp_path / "output/artifact/model.gguf", "In which city does Zibo live?")
    assert answer == "Zibo lives in Accra."


def test_a_bundle_that_is_none_is_named_before_any_work(write_job, tmp_path: Path):
    (tmp_path / "no.bundle").write_text("no bundle")
    job = write_job(export={"gguf": True, "llamaCpp": "no.bundle"})
    code, events = trainer("run", "--config", job, "--output", tmp_path / "output")
    assert (code, len(events), events[0]["code"]) == (2, 1, "bad-input")
    assert "not a git bundle" in events[0]["reason"]
