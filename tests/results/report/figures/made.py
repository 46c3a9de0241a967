"""Matrices of made runs whose answers and costs are known."""

from redl.results.report.figures.matrix import matrices
from redl.results.store import Run
from tests.helpers import savings


def made(**settings):
    """Return the matrix of settings by their names, each with what `savings.one` takes."""
    records, answers = savings.run_of(**settings)
    run = Run(
        name="made.json",
        records={record.case.id: record for record in records},
        read_predictions=lambda: answers,
    )
    [matrix], _ = matrices([run])
    return matrix
