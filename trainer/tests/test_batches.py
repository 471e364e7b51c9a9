from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from zg_trainer.batches import IGNORED, collate, loss_sum
from zg_trainer.encoding import Row
from zg_trainer.neftune import add_noise
from zg_trainer.parameters import Parameters
from zg_trainer.plan import Plan, split_for_evaluation

DEMO = Path(__file__).parents[2] / "models" / "demo"
ROWS = [Row(list(range(20, 20 + n)), [False] + [i % 3 > 0 for i in range(1, n)]) for n in (5, 9, 17, 3, 12)]
LENGTHS = [len(row.tokens) for row in ROWS]


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(DEMO, dtype=torch.float32).eval()


def test_labels_are_the_next_tokens_that_count_and_no_padding():
    rows = [Row([5, 6, 7], [False, False, True]), Row([8, 9], [False, True])]
    batch = collate(rows, [[0], [1]], 0)
    assert batch.tokens.tolist() == [[5, 6, 7], [8, 9, 0]]
    assert batch.labels.tolist() == [[IGNORED, 7, IGNORED], [9, IGNORED, IGNORED]]
    packed = collate(rows, [[0, 1]], 0)
    assert packed.labels.tolist() == [[IGNORED, 7, IGNORED, 9, IGNORED]]
    assert packed.positions.tolist() == [[0, 1, 2, 0, 1]]


@torch.no_grad()
@pytest.mark.parametrize("only_counted", [True, False])
@pytest.mark.parametrize("batch", [[[0], [1], [2], [3], [4]], [[0, 1, 2], [3, 4]], [[2, 0, 3, 4, 1]]])
def test_neither_padding_nor_packing_changes_the_loss(model, batch: list[list[int]], only_counted: bool):
    alone = sum(loss_sum(model, collate(ROWS, [[i]], 0), only_counted) for i in range(len(ROWS)))
    together = loss_sum(model, collate(ROWS, batch, 0), only_counted)
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-4)


@torch.no_grad()
def test_a_packed_sample_sees_nothing_of_the_one_before(model):
    other = [Row([700] * 5, [False] * 5), ROWS[1]]
    places = slice(5, None)
    for first in ([ROWS[0], ROWS[1]], other):
        batch = collate(first, [[0, 1]], 0)
        logits = model(input_ids=batch.tokens, position_ids=batch.positions, use_cache=False).logits[:, places]
        alone = model(input_ids=batch.tokens[:, places], use_cache=False).logits
        torch.testing.assert_close(logits, alone, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_noise_is_added_in_training_alone_and_is_as_large_as_it_should_be(model):
    tokens = torch.tensor([[5, 6, 7, 8]])
    embedding = model.get_input_embeddings()
    plain = embedding(tokens)
    add_noise(model, 5)
    try:
        assert torch.equal(embedding(tokens), plain)
        noise = embedding.train()(tokens) - plain
        limit = 5 / (4 * embedding.weight.shape[1]) ** 0.5
        assert limit * 0.9 < noise.abs().max() <= limit * 1.0001
    finally:
        embedding.eval()._forward_hooks.clear()


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("devices", [1, 2, 3])
def test_each_epoch_takes_each_row_once(packing: bool, devices: int):
    parameters = Parameters(
        num_train_epochs=2, per_device_train_batch_size=2, gradient_accumulation_steps=2, packing=packing
    )
    lengths = [3 + i * 7 % 29 for i in range(41)]
    plan = Plan(lengths, 32, parameters, 7, devices)
    seen = {0: [], 1: []}
    for number in range(plan.steps):
        step = plan.step(number)
        batches = [batch for device in step.batches for batch in device]
        assert {len(device) for device in step.batches} <= {1, 2}
        assert all(len(batch) <= 2 for batch in batches)
        assert all(sum(lengths[i] for i in item) <= 32 for batch in batches for item in batch)
        seen[step.epoch] += [i for batch in batches for item in batch for i in item]
    assert sorted(seen[0]) == sorted(seen[1]) == list(range(41))
    assert seen[0] != seen[1]


def test_the_same_seed_gives_the_same_plan_and_max_steps_ends_it():
    parameters = Parameters(num_train_epochs=3)
    plans = [Plan(LENGTHS, 32, parameters, seed, 1) for seed in (7, 7, 8)]
    first, same, other = ([plan.step(n) for n in range(plan.steps)] for plan in plans)
    assert first == same != other
    assert Plan(LENGTHS, 32, replace(parameters, max_steps=4), 7, 1).steps == 4
    assert Plan(LENGTHS, 32, replace(parameters, max_steps=400), 7, 1).steps == 15


def test_packing_is_tight_and_quick():
    lengths = [1 + i * 7919 % 511 for i in range(20_000)]
    plan = Plan(lengths, 512, Parameters(packing=True), 7, 1)
    assert plan.steps < 1.05 * sum(lengths) / 512


def test_evaluation_is_kept_apart():
    train, evaluation = split_for_evaluation(100, 0.1, 7)
    assert len(evaluation) == 10 and sorted(train + evaluation) == list(range(100))
    assert split_for_evaluation(2, 0.01, 7)[0]
    assert split_for_evaluation(5, 0, 7) == ([0, 1, 2, 3, 4], [])
