"""Exports of saved runs: a row a case for other programs, and the data sets in Croissant's words."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from redl.errors import OptionError
from redl.record import DataSummary, Record
from redl.results.frame import frame_of


class Format(StrEnum):
    """Formats of an export."""

    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    CROISSANT = "croissant"


def export(records: Sequence[Record], kind: Format) -> bytes:
    """Return records in a format; raise OptionError where a library for it is missing.

    CSV and Parquet have the columns of `Run.to_frame()`, JSON lines the whole records, Croissant the
    descriptions of the data sets.
    """
    match kind:
        case Format.CSV:
            text: str = frame_of(records).to_csv(lineterminator="\n")
            return text.encode()
        case Format.PARQUET:
            return _parquet(records)
        case Format.JSONL:
            lines = (json.dumps(record.to_json(), allow_nan=False) for record in records)
            return "".join(f"{line}\n" for line in lines).encode()
        case Format.CROISSANT:
            return (json.dumps(_croissant(records), indent=2, allow_nan=False) + "\n").encode()


def _parquet(records: Sequence[Record]) -> bytes:
    content = io.BytesIO()
    try:
        frame_of(records).to_parquet(content)
    except ImportError:  # pandas needs pyarrow or fastparquet for it
        raise OptionError("--format parquet: needs pyarrow; `pip install pyarrow`, or use csv") from None
    return content.getvalue()


# Croissant 1.0, http://mlcommons.org/croissant/1.0: what its validator demands of a description.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataBiases": "cr:dataBiases",
    "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_PARTS = ("train", "valid", "test")


def _croissant(records: Iterable[Record]) -> object:
    """Return the description of the data set; a list of them where there are several."""
    found: dict[str, tuple[str, DataSummary]] = {}
    for record in records:
        if record.data is not None:
            found.setdefault(record.data.fingerprint, (record.case.dataset, record.data))
    if not found:
        raise OptionError("--format croissant: no case has a description of its data; choose another run")
    described = [_dataset(name, data) for name, data in found.values()]
    return described[0] if len(described) == 1 else described


def _dataset(name: str, data: DataSummary) -> Mapping[str, Any]:
    kind = "synthetic images, written by redl: no patient was imaged" if data.synthetic else "real images"
    ideal = "not known" if data.ideal_accuracy is None else f"{data.ideal_accuracy:.3f}"
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": (
            f"The data set {name} as redl prepared it: {kind}. Images are split by subject"
            f"{f' ({data.split})' if data.split else ''}. The best possible accuracy is {ideal}."
        ),
        "identifier": data.fingerprint,
        "isLiveDataset": False,
        "personalSensitiveInformation": "none in this description: it counts, and names nobody",
        "variableMeasured": [
            {"@type": "sc:PropertyValue", "name": option, "value": value}
            for option, value in data.options.items()
            if value is not None
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "parts",
                "name": "parts",
                "description": "Parts of the split: subjects, images, and the share of positive ones.",
                "field": [
                    _field("part", "sc:Text"),
                    _field("subjects", "sc:Integer"),
                    _field("images", "sc:Integer"),
                    _field("positive_fraction", "sc:Float"),
                ],
                "data": [
                    {
                        "parts/part": part,
                        "parts/subjects": getattr(data.subjects, part),
                        "parts/images": getattr(data.images, part),
                        "parts/positive_fraction": getattr(data.positive_fraction, part),
                    }
                    for part in _PARTS
                ],
            }
        ],
    }


def _field(name: str, kind: str) -> Mapping[str, str]:
    return {"@type": "cr:Field", "@id": f"parts/{name}", "name": name, "dataType": kind}
