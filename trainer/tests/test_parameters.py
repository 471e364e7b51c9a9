import pytest

from zg_trainer.errors import BadInput
from zg_trainer.parameters import NETWORK_KEYS, Parameters, parse_parameters, table

NETWORK = {
    "neftune_noise_alpha": 5,
    "num_train_epochs": 1,
    "per_device_train_batch_size": 2,
    "learning_rate": 0.0002,
    "max_steps": -1,
}


def test_the_deployed_networks_parameters_are_taken():
    parsed = parse_parameters(NETWORK, "network")
    assert {name: getattr(parsed, name) for name in NETWORK_KEYS} == NETWORK


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("neftune_noise_alpha", (0, 10), (-0.1, 10.1)),
        ("num_train_epochs", (1, 10), (0, 11)),
        ("per_device_train_batch_size", (1, 4), (0, 5)),
        ("learning_rate", (0.00001, 0.001), (0.000009, 0.0011)),
        ("max_steps", (-1, 1, 1000), (-2, 0)),
    ],
)
def test_the_deployed_networks_ranges(name: str, inside: tuple[float, ...], outside: tuple[float, ...]):
    for value in inside:
        assert getattr(parse_parameters({**NETWORK, name: value}, "network"), name) == value
    for value in outside:
        with pytest.raises(BadInput, match=f"{name} must be") as caught:
            parse_parameters({**NETWORK, name: value}, "network")
        assert len(caught.value.problems) == 1


def test_the_network_takes_exactly_its_five():
    with pytest.raises(BadInput, match="max_steps is missing"):
        parse_parameters({name: value for name, value in NETWORK.items() if name != "max_steps"}, "network")
    with pytest.raises(BadInput, match="lora_rank is not a parameter"):
        parse_parameters({**NETWORK, "lora_rank": 8}, "network")


def test_each_wrong_parameter_has_its_own_message():
    wrong = {
        "learning_rat": 1,
        "learning_rate": "0.1",
        "num_train_epochs": 1.5,
        "packing": 1,
        "lora_rank": True,
        "optimizer": "sgd",
        "sequence_length": 8,
        "lora_targets": "q_proj,",
        "weight_decay": float("nan"),
    }
    with pytest.raises(BadInput) as caught:
        parse_parameters(wrong)
    assert caught.value.problems == [
        "learning_rat is not a parameter; did you mean learning_rate?",
        "learning_rate must be a number, not str",
        "num_train_epochs must be a whole number, not float",
        "packing must be true or false, not int",
        "lora_rank must be a whole number, not bool",
        "optimizer must be one of adamw and muon",
        "sequence_length must be 0 (automatic) or at least 16, not 8",
        "lora_targets must name at least one module",
        "weight_decay must be from 0 to 1, not nan",
    ]


def test_the_table_describes_every_parameter():
    described = {line["name"]: line for line in table()}
    assert set(described) == set(Parameters.__dataclass_fields__)
    assert described["learning_rate"]["network"] == [1e-5, 1e-3]
    for line in described.values():
        parse_parameters({line["name"]: line["default"]})
        for end in line.get("range", []):
            if line["name"] not in ("max_steps", "sequence_length"):
                parse_parameters({line["name"]: end})
