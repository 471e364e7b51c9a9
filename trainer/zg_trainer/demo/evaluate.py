"""Measures a demo model on questions that it was not trained on."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast

from zg_trainer.demo.dialogue import held_out

SEED = 1
MAX_NEW_TOKENS = 96

# The share of exactly right answers that a demo model must reach.
BOUNDS = {
    "topics": 0.95,
    "topics, new wording": 0.90,
    "arithmetic": 0.90,
    "arithmetic, new numbers": 0.55,
    "facts in the prompt": 0.75,
    "unknown people": 0.80,
    "unknown questions": 0.80,
}


def load(folder: Path) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(folder)


@torch.no_grad()
def answers(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, questions: list[str]) -> list[str]:
    """The model's greedy answers, each to its question alone."""
    prompts = [
        tokenizer.apply_chat_template([{"role": "user", "content": q}], add_generation_prompt=True, tokenize=False)
        for q in questions
    ]
    found: list[str] = []
    for start in range(0, len(prompts), 64):
        batch = tokenizer(prompts[start : start + 64], return_tensors="pt", padding=True, padding_side="left")
        batch.pop("token_type_ids", None)
        output = model.generate(**batch, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        found += tokenizer.batch_decode(output[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return found


def evaluate(folder: Path, show_wrong: bool = False) -> bool:
    """Prints a table; true when every category reaches its bound."""
    model, tokenizer = load(folder)
    print("| category | right | of | share | bound |\n|---|---|---|---|---|")
    reached = True
    wrong: list[str] = []
    for category, turns in held_out(SEED).items():
        found = answers(model, tokenizer, [question for question, _ in turns])
        right = sum(answer == expected for answer, (_, expected) in zip(found, turns, strict=True))
        share = right / len(turns)
        reached &= share >= BOUNDS[category]
        print(f"| {category} | {right} | {len(turns)} | {share:.1%} | {BOUNDS[category]:.0%} |", flush=True)
        wrong += [f"{q!r} -> {a!r}, not {e!r}" for a, (q, e) in zip(found, turns, strict=True) if a != e]
    if show_wrong:
        print(*wrong, sep="\n")
    return reached
