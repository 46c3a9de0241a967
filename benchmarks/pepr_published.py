"""Compare redl's PePR scores with the published ones.

`python benchmarks/pepr_published.py full_data_pepr_dataset_level.csv` takes the table that the authors of
PePR publish beside their code (arXiv 2403.09441; MIT licence) and prints the largest difference of each score
over its rows; the status is 1 if one is above 1e-9.
"""

from __future__ import annotations

import sys

import pandas as pd

from redl.results.tradeoff.pepr import pepr

MOST = 1e-9
COLUMNS = {"pepr_e": "energy", "pepr_c": "co2", "pepr_t": "train_time", "pepr_m": "memR"}


def main(path: str) -> int:
    """Print the comparison and return the exit status."""
    table = pd.read_csv(path)
    worst = 0.0
    for score, resource in COLUMNS.items():
        differences = [
            abs(pepr(each["test_09"].to_numpy(), each[resource].to_numpy()) - each[score].to_numpy()).max()
            for _, each in table.groupby("dataset")
        ]
        worst = max(worst, *differences)
        sys.stdout.write(f"{score}: {len(table)} rows, largest difference {max(differences):.1e}\n")
    return int(not worst <= MOST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
