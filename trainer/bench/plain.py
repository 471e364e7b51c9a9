"""What the trainer is measured against: the script that one writes with transformers and peft alone.

Reads the same job file, trains the same adapter on the same rows with transformers' Trainer, and prints one JSON line:
tokens of the samples (padding not counted) and seconds of training. `--data FILE` writes the dataset instead.
"""

import argparse
import json
import sys
import tempfile
from itertools import islice
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

sys.path.insert(0, str(Path(__file__).parents[1]))

from zg_trainer.chat import Message, encode_conversation
from zg_trainer.demo.dialogue import conversations


def write_data(file: Path, count: int) -> None:
    with file.open("w", encoding="utf-8") as opened:
        for messages in islice(conversations(99), count):
            record = {"messages": [{"role": m.role, "content": m.content} for m in messages]}
            opened.write(json.dumps(record, ensure_ascii=False) + "\n")


def train(job: dict) -> dict[str, float]:
    torch.set_num_threads(job["limits"]["threads"])
    given = job["parameters"]
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    lines = Path(job["dataset"]["file"]).read_text(encoding="utf-8").splitlines()
    rows = [_row(tokenizer, json.loads(line)) for line in lines]
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32)
    adapter = LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=32, lora_dropout=0.1, target_modules="all-linear")
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=given["num_train_epochs"],
            per_device_train_batch_size=given["per_device_train_batch_size"],
            learning_rate=given["learning_rate"],
            seed=job["seed"],
            logging_steps=1000,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
        )
        trainer = Trainer(
            model=get_peft_model(model, adapter),
            args=arguments,
            train_dataset=rows,
            data_collator=DataCollatorForSeq2Seq(tokenizer),
        )
        seconds = trainer.train().metrics["train_runtime"]
    tokens = sum(len(row["input_ids"]) for row in rows) * given["num_train_epochs"]
    return {"trainedTokens": tokens, "trainSeconds": seconds}


def _row(tokenizer, record: dict) -> dict[str, list[int]]:
    tokens, answers = encode_conversation(tokenizer, [Message(**message) for message in record["messages"]])
    tokens, answers = tokens[:-1][:512], answers[:-1][:512]
    labels = [t if counts else -100 for t, counts in zip(tokens, answers, strict=True)]
    return {"input_ids": tokens, "attention_mask": [1] * len(tokens), "labels": labels}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", type=Path, help="train this job")
    what.add_argument("--data", type=Path, help="write the benchmark's dataset to this file")
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    if arguments.data:
        write_data(arguments.data, arguments.count)
        return
    stdout, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(train(json.loads(arguments.config.read_text()))), file=stdout)


if __name__ == "__main__":
    main()
