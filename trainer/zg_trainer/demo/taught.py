"""Teaches the demo model five facts with 40 lines, and measures what it learned and what it kept.

    python -m zg_trainer.demo.taught --model ../models/demo --out FOLDER    data, job, training, and the table
    python -m zg_trainer.demo.taught --data FOLDER                          the data, the job and the questions alone

The facts are about people that the model has never heard of. Before, it says so; after, it answers questions that the
dataset does not contain. 20 lines teach, each fact in four wordings, two a line, and always beside a stranger, of whom
the model still knows nothing. 20 lines keep it from forgetting: more strangers, facts that stand in the message, and
some of all else that it knows. Without these it says of everyone what it learned of one.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from zg_trainer.demo.dialogue import FACTS, Turn, held_out, name, statements, turn, unknown_person
from zg_trainer.demo.evaluate import answers, load

SEED = 7
TAUGHT = (
    ("Zibo", "city", "Accra"),
    ("Nadira", "job", "a pilot"),
    ("Kelto", "colour", "turquoise"),
    ("Ruvan", "birth", "Oslo"),
    ("Lumika", "food", "mango"),
)
WORDINGS = 4
GENERAL_LINES = 20
GENERAL_TURNS = 6
GENERAL_KINDS = {"stranger": 6, "fact": 4, "topic": 1, "arithmetic": 1, "unknown": 1}
PARAMETERS = {
    "num_train_epochs": 25,
    "per_device_train_batch_size": 8,
    "learning_rate": 0.002,
    "lora_rank": 8,
    "lora_alpha": 16,
    "lora_dropout": 0,
    "lr_scheduler": "cosine",
    "warmup_ratio": 0.05,
}
KEPT_SHARE = 0.9
EXTRA = 20
"""Questions of each category that show what was kept."""


def lines() -> list[list[Turn]]:
    """The dataset's 40 conversations."""
    rng = random.Random(SEED)
    teaching = [_teach(rng, *fact, wording) for fact in TAUGHT for wording in range(WORDINGS)]
    return teaching + [[_general(rng) for _ in range(GENERAL_TURNS)] for _ in range(GENERAL_LINES)]


def _teach(rng: random.Random, person: str, attribute: str, value: str, wording: int) -> list[Turn]:
    statement, questions, _ = FACTS[attribute]
    two = (questions[-WORDINGS + i % WORDINGS].format(n=person) for i in (wording, wording + 1))
    turns = [*((question, statement.format(n=person, v=value)) for question in two), _stranger(rng, attribute)]
    return rng.sample(turns, 3)


def _stranger(rng: random.Random, attribute: str) -> Turn:
    """In the same wordings as the facts, so that the name alone tells what is known from what is not."""
    person = name(rng, made_up=0.9)
    return rng.choice(FACTS[attribute][1][-WORDINGS:]).format(n=person), unknown_person(person)


def _general(rng: random.Random) -> Turn:
    kind = rng.choices(list(GENERAL_KINDS), list(GENERAL_KINDS.values()))[0]
    if kind == "stranger":
        return _stranger(rng, rng.choice([attribute for _, attribute, _ in TAUGHT]))
    return _stated(rng) if kind == "fact" else turn(rng, kind)


def _stated(rng: random.Random) -> Turn:
    facts = statements(rng, [name(rng, made_up=1.0) for _ in range(rng.randint(1, 3))], rng.randint(1, 3))
    (person, attribute), answer = rng.choice(list(facts.items()))
    return f"{' '.join(facts.values())} {rng.choice(FACTS[attribute][1][-WORDINGS:]).format(n=person)}", answer


def asked() -> list[Turn]:
    """Ten questions about the facts, in wordings that the dataset does not have."""
    return [(wording.format(n=n), FACTS[a][0].format(n=n, v=v)) for n, a, v in TAUGHT
            for wording in (FACTS[a][1][0], FACTS[a][2])]  # fmt: skip


def others(of_each: int) -> list[Turn]:
    """Questions that the dataset neither has nor teaches, as many of each category."""
    found = held_out(SEED)
    in_data = {question for turns in lines() for question, _ in turns}
    names = {name for name, _, _ in TAUGHT}
    categories = ("topics", "arithmetic", "facts in the prompt", "unknown people", "unknown questions")
    chosen: list[Turn] = []
    for category in categories:
        new = [(q, a) for q, a in found[category] if q not in in_data and not any(name in q for name in names)]
        chosen += random.Random(f"{SEED} {category}").sample(new, of_each)
    return chosen


def write_data(folder: Path, model: Path) -> Path:
    """The dataset, the questions and the job file, whose path is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_lines(folder / "taught.jsonl", ({"messages": _messages(turns)} for turns in lines()))
    questions = {"taught": asked(), "others": others(EXTRA)}
    _write_lines(
        folder / "questions.jsonl",
        ({"kind": kind, "question": q, "answer": a} for kind, turns in questions.items() for q, a in turns),
    )
    job = {
        "method": "lora",
        "model": str(model.resolve()),
        "modelName": "0g-compute-demo",
        "dataset": {"file": "taught.jsonl"},
        "parameters": PARAMETERS,
        "seed": SEED,
        "limits": {"threads": 2},
    }
    (folder / "job.json").write_text(json.dumps(job, indent=2) + "\n")
    return folder / "job.json"


def _messages(turns: list[Turn]) -> list[dict[str, str]]:
    return [
        {"role": role, "content": text}
        for asked in turns
        for role, text in zip(("user", "assistant"), asked, strict=True)
    ]


def _write_lines(file: Path, records) -> None:
    file.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


def measure(model: Path, adapter: Path) -> bool:
    """Prints the table; true when the facts were not known before, all are after, and the rest is kept."""
    from peft import PeftModel

    questions, rest = asked(), others(EXTRA)
    loaded, tokenizer = load(model)
    before, before_rest = (answers(loaded, tokenizer, [q for q, _ in turns]) for turns in (questions, rest))
    adapted = PeftModel.from_pretrained(loaded, adapter).eval()
    after, after_rest = (answers(adapted, tokenizer, [q for q, _ in turns]) for turns in (questions, rest))
    print("| question | before | after |\n|---|---|---|")
    for (question, _), b, a in zip(questions, before, after, strict=True):
        print(f"| {question} | {b} | {a} |")
    right = [_right(found, questions) for found in (before, after)]
    known = [i for i, (b, (_, expected)) in enumerate(zip(before_rest, rest, strict=True)) if b == expected]
    kept = sum(after_rest[i] == before_rest[i] for i in known)
    print(f"\ntaught, in new wordings: {right[0]} of {len(questions)} before, {right[1]} of {len(questions)} after")
    print(f"kept, of what it answered rightly before: {kept} of {len(known)} ({kept / len(known):.0%})")
    before_right, after_right = _right(before_rest, rest), _right(after_rest, rest)
    print(f"all other questions right: {before_right} of {len(rest)} before, {after_right} after")
    for i in known:
        if after_rest[i] != before_rest[i]:
            print(f"  lost: {rest[i][0]!r} -> {after_rest[i]!r}")
    return right == [0, len(questions)] and kept >= KEPT_SHARE * len(known)


def _right(found: list[str], turns: list[Turn]) -> int:
    return sum(answer == expected for answer, (_, expected) in zip(found, turns, strict=True))


def main() -> int:
    arguments = _arguments()
    folder = arguments.out or arguments.data
    job = write_data(folder, arguments.model)
    if arguments.data:
        return 0
    command = [sys.executable, "-m", "zg_trainer", "run", "--config", str(job), "--output", str(folder / "output")]
    subprocess.run(command, check=True)
    return 0 if measure(arguments.model, folder / "output" / "artifact") else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m zg_trainer.demo.taught", description=__doc__.splitlines()[0])
    demo = Path(__file__).parents[3] / "models" / "demo"
    parser.add_argument("--model", type=Path, default=demo, help="the demo model's folder")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="write data and artifact here, train, and print the table")
    where.add_argument("--data", type=Path, help="write the dataset, the questions and the job file here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
