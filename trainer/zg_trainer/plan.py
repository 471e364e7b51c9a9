"""Which rows go into which step: a pure function of the seed, so that a resumed job sees what it would have seen."""

import random
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from zg_trainer.parameters import Parameters

Batch = list[list[int]]
"""Rows of the model's input, each the numbers of the encoded rows in it: one, or several when packed."""

SORTED_TOGETHER = 32
"""Steps whose samples are sorted by length together. More saves padding, less mixes better."""


@dataclass(frozen=True)
class Step:
    epoch: int
    """From 0."""
    batches: list[list[Batch]]
    """For each device, its batches; all of them together make one step of the optimizer."""


class Plan:
    def __init__(self, lengths: list[int], row_length: int, parameters: Parameters, seed: int, devices: int) -> None:
        self._lengths = lengths
        self._parameters = parameters
        self._seed = seed
        self._devices = devices
        self._items = _packs(lengths, row_length, seed) if parameters.packing else [[i] for i in range(len(lengths))]
        self._per_pass = parameters.per_device_train_batch_size * devices
        self._per_step = self._per_pass * parameters.gradient_accumulation_steps
        self.steps_per_epoch = -(-len(self._items) // self._per_step)
        all_steps = self.steps_per_epoch * parameters.num_train_epochs
        self.steps = min(all_steps, parameters.max_steps) if parameters.max_steps > 0 else all_steps
        self._order = lru_cache(2)(self._epoch)

    def step(self, number: int) -> Step:
        """The step of that number, from 0."""
        epoch, within = divmod(number, self.steps_per_epoch)
        items = self._order(epoch)[within]
        size = self._parameters.per_device_train_batch_size
        passes = [items[start : start + self._per_pass] for start in range(0, len(items), self._per_pass)]
        of_device = [[p[d * size : (d + 1) * size] for p in passes] for d in range(self._devices)]
        return Step(epoch, of_device)

    def _epoch(self, epoch: int) -> list[Batch]:
        rng = random.Random(f"{self._seed} epoch {epoch}")
        items = rng.sample(self._items, len(self._items))
        if self._parameters.group_by_length and not self._parameters.packing:
            window = self._per_step * SORTED_TOGETHER
            windows = (items[start : start + window] for start in range(0, len(items), window))
            items = [item for w in windows for item in sorted(w, key=lambda item: self._lengths[item[0]])]
        steps = [items[start : start + self._per_step] for start in range(0, len(items), self._per_step)]
        return rng.sample(steps, len(steps))


def _packs(lengths: list[int], row_length: int, seed: int) -> list[list[int]]:
    """Fills row after row with the longest sample that still fits. The order within a row is mixed."""
    rng = random.Random(f"{seed} packs")
    of_length: dict[int, list[int]] = {}
    for i in rng.sample(range(len(lengths)), len(lengths)):
        of_length.setdefault(lengths[i], []).append(i)
    left = sorted(of_length)
    packs: list[list[int]] = []
    while left:
        pack, room = [], row_length
        while place := bisect_right(left, room):
            length = left[place - 1]
            pack.append(of_length[length].pop())
            room -= length
            if not of_length[length]:
                left.pop(place - 1)
        packs.append(rng.sample(pack, len(pack)))
    return packs


def split_for_evaluation(samples: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Numbers of the samples to train on and to evaluate on; at least one of each when a share is asked for."""
    if share == 0 or samples < 2:
        return list(range(samples)), []
    kept = min(max(1, round(samples * share)), samples - 1)
    evaluated = set(random.Random(f"{seed} evaluation").sample(range(samples), kept))
    return [i for i in range(samples) if i not in evaluated], sorted(evaluated)
