"""Arguments of what becomes of a run: checks, the gate, verdicts, the report, resuming and the plan."""

from __future__ import annotations

from typing import Any

Arguments = tuple[tuple[str, dict[str, Any]], ...]

CHECKS: Arguments = (
    (
        "--redl-reference",
        {
            "metavar": "FILE",
            "help": "accuracies of repeated runs; a case must lie in their bands (default: the suite's)",
        },
    ),
    (
        "--redl-save-reference",
        {"metavar": "FILE", "help": "write such a file from this run, which needs several seeds"},
    ),
    (
        "--redl-compare",
        {
            "nargs": "?",
            "const": "",
            "metavar": "RUN",
            "help": "fail where this run is worse than a saved one, given by file, number or name; without a "
            "value, the profile's baseline (`redl baseline set`)",
        },
    ),
    (
        "--redl-fail",
        {
            "metavar": "RULE",
            "action": "append",
            "default": [],
            "help": "how much worse a figure may get, e.g. accuracy:0.02 (absolute) or peak_memory:5%% (of "
            "the baseline); may be repeated (default: accuracy:noise, peak_memory:noise and diverged:0)",
        },
    ),
    (
        "--redl-other-machine",
        {
            "action": "store_true",
            "help": "also compare with a run of another machine or software, leaving out time and energy",
        },
    ),
    (
        "--redl-verdict",
        {
            "metavar": "MARGIN",
            "help": "fail where a setting is not shown to be within this margin of its baseline, or a "
            "runtime of torch, over seeds and patients, e.g. 0.02 or 2%%",
        },
    ),
    (
        "--redl-verdict-metric",
        {
            "metavar": "METRIC",
            "help": "which metric the margin is of: accuracy (default), auc, sensitivity, ...",
        },
    ),
    (
        "--redl-verdict-pool-seeds",
        {
            "action": "store_true",
            "help": "let the settings share what they show of the variance over seeds, if it is alike",
        },
    ),
)

REPORT: Arguments = (
    (
        "--redl-report",
        {
            "metavar": "DIR",
            "help": "at the end write tables, figures and a page into this folder, also of a run that was "
            "interrupted",
        },
    ),
)

RESUME: Arguments = (
    (
        "--redl-resume",
        {
            "nargs": "?",
            "const": "",
            "metavar": "RUN",
            "help": "do not train what an earlier run has finished on the same data, machine and software, "
            "given by the file of its journal, by file, number or name; without a value, the newest one",
        },
    ),
)

PLAN: Arguments = (
    (
        "--redl-plan",
        {
            "nargs": "?",
            "const": "",
            "metavar": "RUNS",
            "help": "run nothing, and print what the selected cases would take, told from saved runs of this "
            "machine: these, by file, number or name, e.g. 7,8, or, without a value, all; `measure`: all, "
            "and a few measured steps of what they do not tell",
        },
    ),
)
