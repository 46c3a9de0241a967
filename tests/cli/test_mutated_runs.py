"""Mutated saved runs, given to every command that reads one: no traceback, and nothing impossible passes."""

import copy
import json
import random

import pytest

from redl.cli import main
from redl.record import Predictions
from redl.results.store import KEY, PREDICTIONS_KEY, load_run
from tests.helpers.changes import replace
from tests.helpers.samples import component, energy
from tests.helpers.saved import finished, save

ANSWERS = Predictions(subjects=(1, 2, 3, 4), labels=(0, 1, 0, 1), probabilities=(0.1, 0.9, 0.2, None))
COMMANDS = {
    "compare": ["compare", "base.json", "RUN", "--fail", "accuracy:0.02", "--fail", "energy:5%"],
    "compare it with itself": [
        "compare",
        "RUN",
        "RUN",
        "--fail",
        "train_time_per_image:5%",
        "--format",
        "json",
    ],
    "verdict": ["verdict", "RUN", "--margin", "0.02"],
    "tradeoff": ["tradeoff", "RUN", "--margin", "0.02", "--metric", "auc"],
    "history": ["history", "inference_energy:5%"],
    "baseline": ["baseline", "set", "RUN"],
}
VALUES = [
    *(None, True, "", "x", [], {}, [None], -1, 0, 1, 5.0, -0.5, 2**63, 2**64, 10**400, 1e308, -1e308, 1e15),
    *("\x00", "::error::x", "../x", "x" * 200_000, float("nan"), float("inf"), [[[[]]]], {"a": 1}),
]
# Between which a figure lies that a gate, a verdict or a trade-off is about; by the end of its name.
SCORES = ("accuracy", "auc", "sensitivity", "specificity", "brier", "ece")
AMOUNTS = ("_bytes", "_wh", "seconds", "passes", "images", "_s", "co2eq_g")


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """Return the content of a whole run of two settings and three seeds, beside which it is the base."""
    monkeypatch.chdir(tmp_path)
    spent = energy(component("cpu", 0.5, "measured", "RAPL"), energy_wh=0.5)
    entries = [
        {"extra_info": {KEY: replace(finished(setting, seed), energy=spent).to_json()} | answers}
        for setting in ("baseline", "amp")
        for seed in (1, 2, 3)
        for answers in ({PREDICTIONS_KEY: ANSWERS.to_json()}, {})
    ]
    save(tmp_path / "base.json", extra=entries)
    return json.loads((tmp_path / "base.json").read_text())


def places(value, path=()):
    """Return where every field of a JSON value is."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inside for place in ((*path, key), *places(item, (*path, key)))]


def mutated(whole, chance):
    """Return a run with one field changed, lost, doubled or renamed, or with some bytes changed."""
    run = copy.deepcopy(whole)
    *way, key = chance.choice(places(whole))
    holder = run
    for name in way:
        holder = holder[name]
    match chance.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        case 2:
            text = json.dumps(run)
            name = f'"{key}": '
            return text.replace(name, f"{name}{json.dumps(chance.choice(VALUES))}, {name}", 1).encode()
        case 3:
            text = bytearray(json.dumps(run).encode())
            for _ in range(chance.randint(1, 3)):
                text[chance.randrange(len(text))] = chance.randrange(256)
            return bytes(text)
        case 4:
            return json.dumps(run).encode()[: chance.randrange(len(json.dumps(run)))]
        case _:
            holder[key] = chance.choice(VALUES)
    return json.dumps(run).encode()


def impossible(plain):
    """Return the figures of a record that no measurement could have had."""
    found = []
    for place in places(plain):
        value, name = plain, str(place[-1])
        for key in place:
            value = value[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if name.endswith(SCORES) and not 0 <= value <= 1:
            found.append(place)
        if name.endswith(AMOUNTS) and not 0 <= value < 2**63:
            found.append(place)
    return found


def check(whole, folder, count, seed):
    """Give mutated runs to all commands; return how many were refused, and by whom one was not."""
    chance, refused = random.Random(seed), 0
    path = folder / "reports" / "machine" / "0001_run.json"
    path.parent.mkdir(parents=True)
    for _ in range(count):
        path.write_bytes(mutated(whole, chance))
        statuses = {}
        for name, words in COMMANDS.items():
            statuses[name] = main([str(path) if word == "RUN" else word for word in words])
        assert set(statuses.values()) <= {0, 1, 2}
        if statuses["compare it with itself"] == 0:
            records = load_run(path).records.values()
            assert [] == [place for record in records for place in impossible(record.to_json())]
        else:
            refused += 1
    return refused


@pytest.mark.parametrize("seed", [1])
def test_mutated_runs_end_in_one_line(whole, tmp_path, capsys, seed):
    assert check(whole, tmp_path, 40, seed) > 5
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_mutated_runs_end_in_one_line(whole, tmp_path, capsys, seed):
    assert check(whole, tmp_path, 100, 100 + seed) > 20
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("metrics.test.accuracy", 5.0),
        ("metrics.test.accuracy", 1e308),
        ("memory.train_peak_bytes", -1),
        ("inference.images", -3),
        ("inference.passes", 0),
        ("energy.train.energy_wh", 1e308),
        ("case.seed", 2**63),
        ("data", None),
        ("training.images_per_second", 0.0),
        ("training.images_per_second", 5e-324),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_no_measurement_could_have_had_is_one_line(whole, tmp_path, capsys, command, field, value):
    *way, key = field.split(".")
    holder = whole["benchmarks"][0]["extra_info"][KEY]
    for name in way:
        holder = holder[name]
    holder[key] = value
    whole["benchmarks"].pop(1)
    path = tmp_path / "reports" / "machine" / "0001_run.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(whole))
    assert main([str(path) if word == "RUN" else word for word in COMMANDS[command]]) in {0, 1, 2}
