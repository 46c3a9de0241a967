"""Runs for tests of the page: recorded smoke records, replayed under other names and with noise.

Nobody measured these figures. They only have the size and the shape of a run.
"""

import itertools
import random
from pathlib import Path

from redl.results.store import Run, load_run
from tests.helpers.changes import replace

EXAMPLE = Path(__file__).parents[4] / "reports" / "example" / "run.json"
DATASETS = ("rsna", "lidc")
MODELS = ("densenet", "swin", "vit", "efficientnet", "mlp")
SETTINGS = ("baseline", "amp", "8bit", "amp+8bit", "half+8bit", "half", "8bit+stable", "amp_bf16")


def replayed(seeds, *, epochs=50, name="replayed.json", models=MODELS):
    """Return a run of the paper's matrix over `seeds` seeds, each of `epochs` epochs."""
    recorded = load_run(EXAMPLE)
    records, predictions = {}, {}
    noise = random.Random(0)
    for dataset, model, setting, seed in itertools.product(DATASETS, models, SETTINGS, range(1, seeds + 1)):
        record = noise.choice(list(recorded.records.values()))
        answers = recorded.predictions[record.case.id]
        case = replace(record.case, dataset=dataset, model=model, setting=setting, seed=seed)
        trace = tuple(
            replace(noise.choice(record.training.trace), epoch=epoch, train_loss=noise.random())
            for epoch in range(1, epochs + 1)
        )
        records[case.id] = replace(
            record,
            case=case,
            training=replace(record.training, trace=trace, seconds_to_stop=noise.uniform(20, 60)),
            memory=replace(record.memory, train_peak_bytes=noise.randrange(10**8, 10**9)),
            warnings=(*record.warnings, "replayed with noise: no measurement"),
        )
        predictions[case.id] = replace(
            answers,
            probabilities=tuple(min(1.0, max(0.0, p + noise.gauss(0, 0.05))) for p in answers.probabilities),
        )
    return Run(name=name, records=records, collected=tuple(records), read_predictions=lambda: predictions)
