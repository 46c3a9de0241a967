"""Legend of the trade-off's tables: the meaning of their columns, and why figures are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redl.results.noninferiority.crossed import LEAST_PATIENTS, LEAST_SEEDS
from redl.results.tradeoff.adjusted import PER
from redl.results.tradeoff.benefit import TREAT_NONE
from redl.results.tradeoff.change import SAVED_SHARE
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.tradeoff import Tradeoff


def notes(tradeoff: Tradeoff) -> Iterator[str]:
    """Yield what is missing and why, and what treating all and none is worth."""
    for resource, why in tradeoff.not_compared.items():
        yield f"{resource} is not compared: {why}"
    for summary in tradeoff.summaries:
        if summary.left_out:
            yield f"{summary.setting} is left out: {summary.left_out}"
        if tradeoff.plan.price and Resource.ENERGY in summary.unknown:
            yield f"no money: {summary.setting}, energy: {summary.unknown[Resource.ENERGY]}"
        if summary.not_adjusted:
            yield f"{summary.setting} has no INB: {summary.not_adjusted}"
    if tradeoff.treat_all is not None:
        counted = f"{tradeoff.units} {tradeoff.unit}s"
        yield f"NB of treating {counted}: all {tradeoff.treat_all:.3f}, none {TREAT_NONE:.3f}"
    if tradeoff.cost_of_all is not None and tradeoff.cost_of_none is not None:
        treated = f"treating {PER} {tradeoff.unit}s"
        yield f"cost of {treated}: all {tradeoff.cost_of_all:.3g}, none {tradeoff.cost_of_none:.3g}"
    if len(tradeoff.seeds) < LEAST_SEEDS or tradeoff.patients < LEAST_PATIENTS:
        yield f"nothing is sure with fewer than {LEAST_SEEDS} seeds or {LEAST_PATIENTS} patients"
    if len(tradeoff.seeds) == 1:
        yield "only one seed: the draws, and so all probabilities, say nothing about other seeds"


def legend(found: Sequence[Tradeoff]) -> list[str]:
    """Return the meaning of all columns."""
    return [*_of_costs(found[0]), *_of_worth(found[0])]


def _of_costs(tradeoff: Tradeoff) -> list[str]:
    return [
        f"{tradeoff.metric}: the mean over seeds. * diverged or did not finish.",
        "memory: peak of training, the largest of the seeds. T_c: training until it stopped. E: of training. "
        "mWh: of inference. ~ marks an estimate.",
        "Pareto: no other setting is at least as good in performance, memory, T_c and E and better in one of "
        f"them. P: the share of {tradeoff.draws} draws of seeds and patients with replacement in which it is "
        "so.",
        f"saved: at least {SAVED_SHARE:.0%} less than the baseline over new seeds, by a t test of the log "
        "ratio paired by seed, corrected for all settings and resources (Holm, p < 0.025); "
        f"{LEAST_SEEDS} seeds at least. more: the 95 % interval of the ratio lies above 1.",
    ]


def _of_worth(tradeoff: Tradeoff) -> list[str]:
    plan = tradeoff.plan
    accuracys = ", accuracy's cut" if plan.threshold == 0.5 else ""
    lines = [
        "NB: net benefit TP/n - FP/n * t/(1-t), where treatment follows a probability above t = "
        f"{plan.threshold:.3g}{accuracys}; dNB: beyond the baseline's, with its 95 % interval over new seeds "
        f"and patients. Of the thresholds from {plan.thresholds[0]:g} to {plan.thresholds[-1]:g}, useful: NB "
        "is above that of treating all and of treating none; worse: below the baseline's.",
    ]
    if plan.error_costs is not None:
        lines.append(
            f"cost: {plan.error_costs.fn:g} for a false negative and {plan.error_costs.fp:g} for a false "
            "positive, so that t = C_FP / (C_FP + C_FN), the best cut for calibrated probabilities."
        )
    if any(summary.adjusted for summary in tradeoff.summaries):
        lines.append(
            f"dC: a share of one training for {plan.patients} patients and inference. INB = dNB - dC/lambda, "
            "the net benefit gained minus the additional energy, if one more correctly triaged patient, net, "
            "may cost lambda Wh. It recommends nothing."
        )
    lines.append(
        "PePR-R = P / (1 + R_n), with R_n from 0 for the setting that takes least to 1 for the most; "
        "E energy, C CO2eq, T time, M memory of training; 95 % of the draws. It can be compared only within "
        "these settings, another one moves them all, and it replaces no verdict."
    )
    return lines
