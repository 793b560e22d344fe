"""A configuration file is checked key by key, and a misspelt one is told the nearest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.compute.train_config import TrainConfig, config_of, read_config
from workbench.errors import InvalidInput


def read(folder: Path, text: str, name: str = "train.yaml") -> TrainConfig:
    (folder / name).write_text(text)
    return read_config(folder / name)


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    wanted = {"seed": 3, "epochs": 2, "learning_rate": 0.002, "precision": "bf16"}
    as_json = read(tmp_path, json.dumps(wanted), "train.json")
    assert read(tmp_path, "seed: 3\nepochs: 2\nlearning_rate: 2e-3\nprecision: bf16\n") == as_json
    assert (as_json.seed, as_json.batches, as_json.checkpoint_every) == (3, 40, None)


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing\n") == TrainConfig()


def test_what_is_written_out_is_read_back() -> None:
    config = TrainConfig(seed=5, checkpoint_every=7, licence="CC BY 4.0")
    assert config_of(config.as_dict()) == config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch: 2", "the key “epoch”, which does not exist; did you mean “epochs”?"),
        ("learningrate: 0.1", "did you mean “learning_rate”?"),
        ("zzz: 1", "it may have seed, epochs"),
        ("1: 1", "the key “1”"),
        ("epochs: 0", "epochs is a whole number from 1 to 1000, not “0”"),
        ("epochs: yes", "epochs is a whole number from 1 to 1000, not “True”"),
        ("epochs: 1.5", "not “1.5”"),
        ("learning_rate: fast", "learning_rate is a number from 1e-09 to 1, not “fast”"),
        ("learning_rate: .nan", "not “nan”"),
        ("precision: fp16", "precision is fp32 or bf16, not “fp16”"),
        ("licence: ''", "licence is a text of 1 to 2000 characters"),
        ("- 1\n- 2", "must hold names and values"),
        ("epochs: [", "is not YAML or JSON, line 1"),
        ("epochs: !!python/object/apply:os.getcwd []", "is not YAML or JSON"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, text)
    assert said in refused.value.message and "train.yaml" in refused.value.message


def test_a_file_that_is_not_there_or_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_bytes(b"\xff\xfe\x00")
    for name in ("train.yaml", "gone.yaml"):
        with pytest.raises(InvalidInput, match="cannot be read"):
            read_config(tmp_path / name)
