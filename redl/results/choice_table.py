"""The table of a choice: the one to take in a sentence, then every candidate with the reasons it is out."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from redl.printable import printable, printable_json
from redl.results.choice import Candidate, Choice
from redl.results.layout import named_table, uncut
from redl.results.notation import MISSING, energy, megabytes, number


def choice_tables(found: Sequence[Choice], *, width: int) -> str:
    """Return each data set's sentence and candidates, why those that are out are out, and a legend."""
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        for choice in found:
            # No wrapping: a line that is searched for, or copied, stays whole.
            console.print(sentence(choice), soft_wrap=True)
            console.print(_table(choice))
            for one in choice.candidates:
                if one.out:
                    console.print(f"{one.standing.name}: out: {'; '.join(one.out)}", soft_wrap=True)
        for line in _legend(found[0]):
            console.print(line)
    return printable(captured.get())


def to_json(found: Sequence[Choice]) -> str:
    """Return choices as strict JSON, a list of objects, each with its sentence."""
    plain = [_flat(asdict(choice)) | {"sentence": sentence(choice)} for choice in found]
    return printable_json(json.dumps(plain, indent=2, allow_nan=False))


def _flat(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return plain values in which the summary of a standing lies beside its model."""
    if isinstance(value, dict):
        inside = {name: _flat(each) for name, each in value.items()}
        return inside | inside.pop("summary", {})
    return [_flat(each) for each in value] if isinstance(value, list | tuple) else value


def sentence(choice: Choice) -> str:
    """Return one sentence that names what to take and why, or says that none qualifies."""
    subject = _subject(choice)
    budget = f"{choice.budget_bytes / 1e6:.0f} MB"
    if choice.chosen is None:
        reference = choice.reference or "a reference"
        return (
            f"For {subject}: no model and setting both fits in {budget} and is shown to be within "
            f"{choice.margin:g} of {reference} in {choice.models.metric}."
        )
    one = next(each for each in choice.candidates if each.standing.name == choice.chosen)
    best = "the reference that was named" if choice.named else "the best of this run"
    shown = (
        f"is {best}"
        if one.is_reference
        else f"is shown to be no more than {choice.margin:g} worse in {choice.models.metric} than "
        f"{choice.reference}, {best}"
    )
    return (
        f"For {subject}: {choice.chosen} takes the least {choice.by} of what fits in {budget} "
        f"({megabytes(one.peak_bytes)} MB) and {shown}."
    )


def _subject(choice: Choice) -> str:
    models = choice.models
    scale = f" at 1/{models.downsample} of the resolution" if models.downsample > 1 else ""
    images = "phantom" if models.synthetic else "real"
    return f"{models.dataset}{scale} ({models.profile} profile, {images} images)"


def _table(choice: Choice) -> Table:
    heads = (choice.models.metric, "memory\n(MB)", "T_c\n(s)", "E\n(Wh)", "Pareto\n(P)")
    table = named_table("Candidates", ("model", "setting"), heads)
    table.add_column("against\nreference")
    table.add_column("")
    for one in choice.candidates:
        table.add_row(*_row(one, choice))
    return uncut(table)


def _row(one: Candidate, choice: Choice) -> tuple[str, ...]:
    summary = one.standing.summary
    outcome = "is it" if one.is_reference else str(one.verdict.outcome) if one.verdict else MISSING
    fate = "out" if one.out else "chosen" if one.standing.name == choice.chosen else "dearer"
    probability = summary.pareto_probability
    pareto = MISSING if summary.pareto is None else "yes" if summary.pareto else "no"
    return (
        one.standing.model,
        summary.setting,
        number(summary.performance, 3) + ("*" if summary.diverged else ""),
        megabytes(one.peak_bytes),
        number(summary.train_seconds, 1),
        energy(summary.train_wh, None, summary.train_kind),
        pareto if probability is None else f"{pareto} ({probability:.2f})",
        outcome,
        fate,
    )


def _legend(choice: Choice) -> list[str]:
    how = (
        "the one that was named"
        if choice.named
        else "the best mean over the seeds that all have, of what finished, converged and beat chance"
    )
    return [
        f"reference: {how}. Verdicts are corrected for all candidates (Holm), whatever the budget.",
        "memory: growth of the process in training on a CPU, the allocator's peak on a GPU; the largest of "
        "all seeds. A whole process takes more (`process_peak_bytes` in the record).",
        "dearer: qualifies too, and takes more. That the chosen one takes less is a mean, not a test.",
    ]
