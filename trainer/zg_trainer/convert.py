"""Runs one of llama.cpp's converters: python -m zg_trainer.convert SOURCE SCRIPT ARGUMENTS...

llama.cpp knows a pre-tokenizer by the hash of what a tokenizer makes of a test text, which differs for each vocabulary.
A tokenizer that was learned here is known by its pattern instead.
"""

import json
import runpy
import sys
from pathlib import Path

from zg_trainer.tokenizer import PRE_TOKENIZER, PRE_TOKENIZER_REGEX


def main() -> None:
    source, script, *arguments = sys.argv[1:]
    sys.path.insert(0, source)
    sys.path.insert(1, str(Path(source) / "gguf-py"))
    from conversion import base

    known = base.TextModel.get_vocab_base_pre

    def pre_tokenizer(self, tokenizer) -> str:
        return PRE_TOKENIZER if learned_here(Path(self.dir_model)) else known(self, tokenizer)

    base.TextModel.get_vocab_base_pre = pre_tokenizer
    sys.argv = [script, *arguments]
    runpy.run_path(str(Path(source) / script), run_name="__main__")


def learned_here(model: Path) -> bool:
    tokenizer = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    steps = (tokenizer.get("pre_tokenizer") or {}).get("pretokenizers", [])
    return any(step.get("pattern") == {"Regex": PRE_TOKENIZER_REGEX} for step in steps)


if __name__ == "__main__":
    main()
