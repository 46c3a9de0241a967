"""What the radiologists outlined, nodule by nodule and slice by slice: the patches of LIDC-IDRI.

Masks and clusters are pylidc's (its `boolean_mask` and `cluster_annotations`, default parameters), made a
hundred times as fast: a polygon is filled by the parity of the edges it crosses, all its pixels at once. The
tests compare both with pylidc.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from redl.data.lidc.database import Annotation, Scan, read_annotations
from redl.data.lidc.rules import RATERS

_SHRINK, _MIN_TOLERANCE = 0.9, 0.1  # of pylidc

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """One slice of one nodule.

    `scan` and `slice` count as in Scan, `nodule` within the scan. (`row`, `column`) is the middle of the box
    around all masks in the slice. `raters` have a mask there that is not empty; `cluster` annotations make
    the nodule, more than four where neighbours could not be separated.
    """

    scan: int
    subject: int
    nodule: int
    slice: int
    row: int
    column: int
    raters: int
    cluster: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Outline:
    """A patch with the union of its raters' masks, bool (h, w), whose first pixel is (`top`, `left`)."""

    patch: Patch
    top: int
    left: int
    mask: Mask = field(repr=False)


def read_outlines(scans: Iterable[Scan]) -> Iterator[Outline]:
    """Yield every nodule of every scan, slice by slice; in time proportional to the annotations they have."""
    for scan, drawn in read_annotations(tuple(scans)):
        for nodule, cluster in enumerate(cluster_annotations(drawn, scan.slice_thickness)):
            yield from _outline(scan, nodule, [drawn[number] for number in cluster])


def cluster_annotations(annotations: list[Annotation], tolerance: float) -> list[list[int]]:
    """Return which annotations show the same nodule: those that touch within `tolerance`, and so on.

    While any nodule has more than four, the tolerance shrinks by a tenth, but not below 0.1. Like pylidc,
    take a distance in pixels and slices for one in mm: the published patches were made so.
    """
    distances = _distances(annotations, tolerance)
    labels = connected_components(distances <= tolerance, directed=False)[1]
    while np.bincount(labels).max() > RATERS and (tolerance := tolerance * _SHRINK) >= _MIN_TOLERANCE:
        labels = connected_components(distances <= tolerance, directed=False)[1]
    return [np.flatnonzero(labels == label).tolist() for label in range(labels.max() + 1)]


def draw_mask(annotation: Annotation, low: NDArray[np.int64], shape: tuple[int, ...]) -> Mask:
    """Return the annotation's mask, bool `shape` (rows, columns, slices), from the voxel `low` on.

    Contours themselves lie outside of what they include and of what they exclude.
    """
    mask = np.zeros(shape, bool)
    for inclusion in (True, False):
        for contour in annotation:
            if contour.inclusion is not inclusion:
                continue
            points = contour.points - low[:2]
            plane = mask[:, :, contour.slice - low[2]]
            inside = fill_polygon(points, plane.shape)
            plane[inside] = inclusion
            plane[points[:, 0], points[:, 1]] = False
    return mask


def fill_polygon(points: NDArray[np.int64], shape: tuple[int, ...]) -> Mask:
    """Return which pixels of a grid (rows, columns) lie in a polygon of some of them, by the even-odd rule.

    Pixels on an edge are in where matplotlib's Path.contains_points has them in, which pylidc asks: a ray
    down the column counts an edge that it starts on if the edge runs right, and not if it runs left.
    """
    (row_0, column_0), (row_1, column_1) = np.concatenate([points[-1:], points[:-1]]).T, points.T
    crossed = np.abs(column_1 - column_0)
    edge = np.repeat(np.arange(len(points)), crossed)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed, crossed)
    column = np.minimum(column_0, column_1)[edge] + 1 + step
    run = (column_0 - column_1)[edge]
    rise = (column_1[edge] - column) * (row_0 - row_1)[edge]
    last = row_1[edge] + np.where(run < 0, -rise // run, -(rise // run) - 1)  # the lowest row above the edge
    rows, columns = shape
    toggles = np.bincount((last + 1) * columns + column, minlength=(rows + 1) * columns)
    edges_below = toggles.reshape(rows + 1, columns)[:0:-1].cumsum(axis=0)[::-1]
    inside: Mask = edges_below % 2 == 1
    return inside


def _points(annotation: Annotation) -> NDArray[np.int64]:
    """Return all vertices as (row, column, slice), shape (n, 3)."""
    slices = np.repeat([one.slice for one in annotation], [len(one.points) for one in annotation])
    return np.column_stack([np.concatenate([one.points for one in annotation]), slices])


def _distances(annotations: list[Annotation], far: float) -> NDArray[np.float64]:
    """Return the least distance between the vertices of each two; infinite where it is surely above `far`."""
    points = [_points(annotation) for annotation in annotations]
    boxes = [(one.min(axis=0), one.max(axis=0)) for one in points]
    distances = np.where(np.eye(len(points)), 0.0, np.inf)
    for a, b in combinations(range(len(points)), 2):
        gap = np.maximum(boxes[a][0] - boxes[b][1], boxes[b][0] - boxes[a][1])
        if gap.max() <= far:
            distances[a, b] = distances[b, a] = KDTree(points[a]).query(points[b])[0].min()
    return distances


def _outline(scan: Scan, nodule: int, cluster: list[Annotation]) -> Iterator[Outline]:
    points = np.concatenate([_points(annotation) for annotation in cluster])
    low = points.min(axis=0)
    shape = tuple((points.max(axis=0) - low + 1).tolist())
    masks = np.stack([draw_mask(annotation, low, shape) for annotation in cluster])
    raters = masks.any(axis=(1, 2)).sum(axis=0)
    union: Mask = masks.max(axis=0)
    for place in np.flatnonzero(raters):
        mask, top, left = _crop(union[:, :, place])
        yield Outline(
            patch=Patch(
                scan=scan.number,
                subject=scan.subject,
                nodule=nodule,
                slice=int(low[2] + place),
                row=int(low[0]) + top + mask.shape[0] // 2,
                column=int(low[1]) + left + mask.shape[1] // 2,
                raters=int(raters[place]),
                cluster=len(cluster),
            ),
            top=int(low[0]) + top,
            left=int(low[1]) + left,
            mask=mask,
        )


def _crop(mask: Mask) -> tuple[Mask, int, int]:
    """Return the smallest box around the pixels that are set, and its first row and column."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return mask[top : rows[-1] + 1, left : columns[-1] + 1], top, left
