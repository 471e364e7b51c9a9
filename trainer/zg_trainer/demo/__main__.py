"""Makes or measures the demo model: python -m zg_trainer.demo --out FOLDER | --eval FOLDER"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from transformers.utils import logging

from zg_trainer.demo.evaluate import evaluate
from zg_trainer.demo.export import export
from zg_trainer.demo.tokenizer import train_tokenizer
from zg_trainer.demo.train import Options, train
from zg_trainer.progress import report


def main() -> int:
    arguments = _arguments()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if arguments.eval:
        return 0 if evaluate(arguments.eval, arguments.wrong) else 1
    stages = tuple(replace(s, steps=min(s.steps, arguments.steps or s.steps)) for s in Options.stages)
    make(arguments.out, Options(seed=arguments.seed, threads=arguments.threads, stages=stages))
    return 0


def make(folder: Path, options: Options) -> None:
    started = time.monotonic()
    tokenizer = train_tokenizer(options.seed, options.vocabulary, options.context)
    model, loss = train(options, tokenizer)
    export(model, tokenizer, folder)
    report(
        "done",
        out=str(folder),
        parameters=sum(p.numel() for p in model.parameters()),
        loss=round(loss, 4),
        seconds=round(time.monotonic() - started),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m zg_trainer.demo", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, help="train the model and write it to this folder")
    what.add_argument("--eval", type=Path, help="measure the model in this folder")
    parser.add_argument("--wrong", action="store_true", help="with --eval: print the wrong answers too")
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--steps", type=int, help="at most so many steps in each stage, to try it out")
    parser.add_argument("--threads", type=int, default=Options.threads)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
