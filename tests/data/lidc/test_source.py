"""Any subset of the download is found in either layout, and patches are cut where they should be."""

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from redl.data.lidc.annotations import Patch, read_outlines
from redl.data.lidc.database import read_scans
from redl.data.lidc.files import read_series
from redl.data.lidc.patches import load_patches
from redl.data.lidc.phantom import LidcPhantom, ensure_lidc
from redl.data.lidc.rules import LidcRules
from redl.data.lidc.slices import read_slices
from redl.data.lidc.source import find_patients, find_series, lidc_source
from redl.data.lidc.writing import SliceWriter
from redl.errors import DataError

SCANS = {scan.number: scan for scan in read_scans()}
TWICE = (7, 136)  # scans of one patient
RULES = LidcRules()


def lay_out(root: Path, *numbers: int) -> None:
    """Make TCIA's folders of some scans, with files that nothing here opens."""
    for number in numbers:
        scan = SCANS[number]
        folder = root / scan.patient / scan.study / scan.series
        folder.mkdir(parents=True)
        (folder / "000001.dcm").touch()


def lay_out_as_nbia(root: Path, number: int) -> Path:
    """Make the folders of the NBIA Data Retriever, in which only the files' headers say what they are."""
    scan = SCANS[number]
    folder = root / scan.patient / "01-01-2000-NA-NA-30178" / "3000566.000000-NA-03192"
    folder.mkdir(parents=True)
    writer = SliceWriter(folder, scan)
    for place in range(2):
        writer.write(place, 0)
        (folder / f"{place + 1:03d}.dcm").rename(folder / f"1-{place + 1:03d}.dcm")
    return folder


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    return ensure_lidc(tmp_path_factory.getbasetemp(), LidcPhantom(patients=5))


def refusal(call) -> str:
    with pytest.raises(DataError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Layouts


def test_tcias_layout_is_found(tmp_path):
    lay_out(tmp_path, 1, 2)
    assert ["scan 1", "scan 2"] == [item.name for item in lidc_source(tmp_path, RULES, image_size=32).items]


@pytest.mark.parametrize("above", ["LIDC-IDRI", "manifest-1600709154662/LIDC-IDRI"])
def test_the_root_may_be_a_folder_above(tmp_path, above):
    lay_out(tmp_path / above, 1)
    assert tmp_path / above == find_patients(tmp_path)


def test_nbias_layout_is_found(tmp_path):
    folder = lay_out_as_nbia(tmp_path, 1)
    assert folder == find_series(tmp_path, SCANS[1])


def test_another_series_of_the_patient_is_not_taken_for_the_scan(tmp_path):
    lay_out_as_nbia(tmp_path, TWICE[0])
    assert find_series(tmp_path, SCANS[TWICE[1]]) is None


NAMES = ["1.2.840.113619.2.55.3.{}", "IM{:04}", "{:06}.DCM", "scan{}.IMA", "{}"]


def rename(folder: Path, name: str) -> None:
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / name.format(number))


@pytest.mark.parametrize("name", NAMES)
def test_nbias_layout_is_found_whatever_the_files_are_called(tmp_path, name):
    folder = lay_out_as_nbia(tmp_path, 1)
    rename(folder, name)
    assert folder == find_series(tmp_path, SCANS[1])


@pytest.mark.parametrize("name", NAMES)
def test_tcias_layout_is_found_whatever_the_files_are_called(tmp_path, name):
    folder = name_as_tcia(lay_out_as_nbia(tmp_path, 1), SCANS[1])
    rename(folder, name)
    assert folder == find_series(tmp_path, SCANS[1])


@pytest.mark.parametrize("name", ["._1-001.dcm", "DICOMDIR"])
def test_hidden_files_and_directories_of_a_disc_make_no_scan(tmp_path, name):
    folder = lay_out_as_nbia(tmp_path, 1)
    (folder / "1-002.dcm").unlink()
    (folder / "1-001.dcm").rename(folder / name)
    assert find_series(tmp_path, SCANS[1]) is None


@pytest.mark.parametrize("tcia", [True, False])
def test_two_scans_of_a_patient_in_one_folder_are_both_found_and_read(tmp_path, tcia):
    first, second = (SCANS[number] for number in TWICE)
    folder = lay_out_as_nbia(tmp_path / "first", first.number)
    for path in lay_out_as_nbia(tmp_path / "second", second.number).iterdir():
        change_offset(path)
        path.rename(folder / f"0-{path.name}")
    patient = folder.parent.parent.rename(tmp_path / first.patient)
    folder = patient / folder.relative_to(tmp_path / "first" / first.patient)
    if tcia:
        folder = name_as_tcia(folder, first)
    assert [folder, folder] == [find_series(tmp_path, scan) for scan in (first, second)]
    assert {0} == set(np.unique(read_slices(folder, first, [0, 1])))
    assert {1} == set(np.unique(read_slices(folder, second, [0, 1])))


def name_as_tcia(folder: Path, scan) -> Path:
    """Move a folder of the NBIA Data Retriever to where TCIA's layout has it."""
    study = folder.parent.rename(folder.parent.with_name(scan.study))
    return (study / folder.name).rename(study / scan.series)


def change_offset(path: Path) -> None:
    """Write a slice again, by pydicom, one Hounsfield unit brighter."""
    image = dcmread(path)
    image.RescaleIntercept += 1
    image.save_as(path)


def test_a_scan_that_is_named_for_its_series_costs_one_look(tmp_path, monkeypatch):
    name_as_tcia(lay_out_as_nbia(tmp_path, 1), SCANS[1])
    looked = []
    look = lambda path: looked.append(path) or read_series(path)  # noqa: E731
    monkeypatch.setattr("redl.data.lidc.source.read_series", look)
    assert find_series(tmp_path, SCANS[1])
    assert 1 == len(looked)


def test_a_folder_of_mixed_series_is_found_whichever_file_is_first(tmp_path):
    folder = lay_out_as_nbia(tmp_path, 1)
    stranger = lay_out_as_nbia(tmp_path / "other", 2)
    shutil.copy(stranger / "1-001.dcm", folder / "0-001.dcm")
    (folder / "0-000.dcm").write_bytes(b"a structured report, perhaps")
    assert folder == find_series(tmp_path, SCANS[1])


def test_both_layouts_give_the_same_images(phantom, tmp_path):
    number = next(n for n in SCANS if SCANS[n].annotations and find_series(phantom, SCANS[n]))
    folder = find_series(phantom, SCANS[number])
    moved = tmp_path / SCANS[number].patient / "01-01-2000-NA-NA-1" / "3000566.000000-NA-1"
    shutil.copytree(folder, moved)
    for path in list(moved.iterdir()):
        path.rename(moved / f"1-{path.name}")
    (item,) = lidc_source(tmp_path, RULES, image_size=32).items
    (expected,) = (one for one in lidc_source(phantom, RULES, image_size=32).items if one.name == item.name)
    np.testing.assert_array_equal(expected.work().images, item.work().images)


# What is there


def test_annotated_scans_that_are_not_there_are_named_and_left_out(tmp_path):
    lay_out(tmp_path, 1, 2)
    skipped = lidc_source(tmp_path, RULES, image_size=32).skipped
    assert 883 - 2 == len(skipped)
    assert ("scan 3", "scan 4") == skipped[:2]


def test_a_folder_whose_files_are_dangling_links_gives_a_listed_fault(tmp_path):
    lay_out(tmp_path, 1)
    scan = SCANS[1]
    path = tmp_path / scan.patient / scan.study / scan.series / "000001.dcm"
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    (item,) = lidc_source(tmp_path, RULES, image_size=32).items
    assert "scan 1: the file of slice " in refusal(item.work)


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_a_link_out_of_the_folder_is_refused(tmp_path, levels):
    """Whether a file is the link, its series or its study."""
    root, elsewhere, scan = tmp_path / "lidc", tmp_path / "elsewhere", SCANS[1]
    lay_out(root, 1)
    path = root / scan.patient / scan.study / scan.series / "000001.dcm"
    path = (path, *path.parents)[levels]
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    expected = "scan 1: a link leads out of lidc; copy its file there"
    assert expected == refusal(lambda: lidc_source(root, RULES, image_size=32))


def test_a_pipe_among_the_files_of_a_scan_is_no_image(tmp_path):
    lay_out(tmp_path, 1)
    scan = SCANS[1]
    os.mkfifo(tmp_path / scan.patient / scan.study / scan.series / "000000.dcm")
    assert ["scan 1"] == [item.name for item in lidc_source(tmp_path, RULES, image_size=32).items]


def test_a_scan_whose_files_are_all_damaged_gives_a_listed_fault(tmp_path):
    lay_out(tmp_path, 1)
    (item,) = lidc_source(tmp_path, RULES, image_size=32).items
    assert "is missing or damaged; download the scan again" in refusal(item.work)


def test_a_folder_without_images_counts_as_missing(tmp_path):
    lay_out(tmp_path, 1, 2)
    scan = SCANS[2]
    (tmp_path / scan.patient / scan.study / scan.series / "000001.dcm").unlink()
    assert "scan 2" in lidc_source(tmp_path, RULES, image_size=32).skipped


def test_rows_are_those_of_the_items_one_after_another(tmp_path):
    lay_out(tmp_path, 1, 2)
    source = lidc_source(tmp_path, RULES, image_size=32)
    outlines = list(read_outlines([SCANS[1], SCANS[2]]))
    assert [sum(o.patch.scan == n for o in outlines) for n in (1, 2)] == [item.rows for item in source.items]
    assert [o.patch.raters for o in outlines] == source.raters.tolist()
    assert [int(o.patch.raters >= 2) for o in outlines] == source.labels.tolist()
    assert (np.uint8, np.int32, np.uint8) == tuple(
        a.dtype for a in (source.labels, source.subjects, source.raters)
    )


def test_three_raters_make_fewer_positive(tmp_path):
    lay_out(tmp_path, 1)
    source = lidc_source(tmp_path, LidcRules(min_raters=3), image_size=32)
    assert (source.raters >= 3).tolist() == source.labels.astype(bool).tolist()


def test_two_scans_of_a_patient_are_one_subject(tmp_path):
    lay_out(tmp_path, 1, *TWICE)
    source = lidc_source(tmp_path, RULES, image_size=32)
    of_scan = np.repeat([0, 1, 2], [item.rows for item in source.items])
    assert [{0}, {1}, {1}] == [set(source.subjects[of_scan == number].tolist()) for number in range(3)]


def test_nodules_of_too_many_annotations_are_left_out(tmp_path):
    lay_out(tmp_path, 1, 205)  # all of 205's six annotations make one nodule
    source = lidc_source(tmp_path, LidcRules(max_cluster=4), image_size=32)
    assert (["scan 1"], False) == (
        [item.name for item in source.items],
        "scan 205" in source.skipped,
    )


def test_options_name_every_rule(tmp_path):
    lay_out(tmp_path, 1)
    rules = LidcRules(min_raters=3, max_cluster=4, spacing_mm=0.5, window_hu=(-1350.0, 150.0))
    expected = {"min_raters": 3, "max_cluster": 4, "spacing_mm": 0.5}
    expected |= {"window_low_hu": -1350.0, "window_high_hu": 150.0}
    assert expected == lidc_source(tmp_path, rules, image_size=32).options


def test_a_stamp_changes_with_any_file(tmp_path):
    lay_out(tmp_path, 1)
    scan = SCANS[1]
    before = lidc_source(tmp_path, RULES, image_size=32).items[0].stamp
    (tmp_path / scan.patient / scan.study / scan.series / "000001.dcm").write_bytes(b"new")
    assert before != lidc_source(tmp_path, RULES, image_size=32).items[0].stamp


def test_a_source_shows_no_patient(tmp_path):
    lay_out(tmp_path, 1)
    source, scan = lidc_source(tmp_path, RULES, image_size=32), SCANS[1]
    shown = repr(source.items) + source.items[0].stamp + str(source.skipped)
    assert [] == [own for own in (scan.patient, scan.study, scan.series) if own in shown]


def test_a_phantom_lacks_no_scan(phantom):
    assert () == lidc_source(phantom, RULES, image_size=32).skipped


def test_an_item_travels_to_another_process(phantom):
    item = lidc_source(phantom, RULES, image_size=16).items[0]
    images = pickle.loads(pickle.dumps(item)).work().images  # noqa: S301 - pickled on this very line
    assert ((item.rows, 16, 16), np.uint8) == (images.shape, images.dtype)


# What is refused


def test_a_root_that_is_not_there_is_refused_with_the_remedy(tmp_path):
    assert ": no such folder; download LIDC-IDRI from TCIA" in refusal(
        lambda: lidc_source(tmp_path / "no", RULES, image_size=32)
    )


def test_a_root_without_patients_is_refused_with_the_layout(tmp_path):
    (tmp_path / "train_images").mkdir()
    assert "the folder that holds LIDC-IDRI-0001" in refusal(
        lambda: lidc_source(tmp_path, RULES, image_size=32)
    )


def test_patients_without_a_nodule_are_refused(tmp_path):
    lay_out(tmp_path, next(number for number, scan in SCANS.items() if not scan.annotations))
    assert "holds no scan with a nodule" in refusal(lambda: lidc_source(tmp_path, RULES, image_size=32))


@pytest.mark.parametrize("manifest", ["{", '{"redl_phantom": {}, "patches": 43}'])
def test_a_damaged_manifest_does_not_pass_for_patients(tmp_path, manifest):
    lay_out(tmp_path, 1, 2)
    (tmp_path / "manifest.json").write_text(manifest)
    message = refusal(lambda: lidc_source(tmp_path, RULES, image_size=32))
    assert message.startswith("manifest.json: ")
    assert message.endswith("generate the phantom again")


# Phantoms


@pytest.mark.parametrize("min_raters", [1, 2, 3, 4])
def test_a_phantom_brings_its_ideal_accuracy(phantom, min_raters):
    source = lidc_source(phantom, LidcRules(min_raters=min_raters), image_size=32)
    manifest = json.loads((phantom / "manifest.json").read_text())
    assert source.synthetic
    assert manifest["ideal_accuracy"][str(min_raters)] == source.ideal_accuracy


def test_patients_have_no_ideal_accuracy(tmp_path):
    lay_out(tmp_path, 1)
    source = lidc_source(tmp_path, RULES, image_size=32)
    assert (False, None) == (source.synthetic, source.ideal_accuracy)


def test_a_part_of_a_phantom_has_no_ideal_accuracy(phantom, tmp_path):
    root = tmp_path / "part"
    shutil.copytree(phantom, root)
    shutil.rmtree(min(root.glob("LIDC-IDRI-*")))
    source = lidc_source(root, RULES, image_size=32)
    assert (True, None) == (source.synthetic, source.ideal_accuracy)


# Patches

RAMP = np.add.outer(np.arange(512), 1000 * np.arange(512) // 512).astype(np.int16)


@pytest.fixture
def ramp(monkeypatch):
    """Slices whose values identify their pixels; in slice z, z more."""
    monkeypatch.setattr(
        "redl.data.lidc.patches.read_slices",
        lambda folder, scan, places: np.stack([RAMP + place for place in places]),
    )


def patch_at(row: int, column: int, place: int = 0) -> Patch:
    return Patch(scan=1, subject=0, nodule=0, slice=place, row=row, column=column, raters=1, cluster=1)


def cut(*patches: Patch, size: int = 128, **rules) -> np.ndarray:
    chosen = LidcRules(**({"window_hu": (0.0, 2550.0)} | rules))
    return load_patches(Path(), SCANS[1], patches, size=size, rules=chosen).images


def test_a_patch_is_the_square_around_its_centre(ramp):
    expected = np.round(RAMP[200 - 64 : 200 + 64, 300 - 64 : 300 + 64] / 10)
    np.testing.assert_allclose(expected, cut(patch_at(200, 300))[0], atol=0.51)


def test_each_patch_is_of_its_own_slice(ramp):
    low, high = cut(patch_at(200, 300, 0), patch_at(200, 300, 100))
    np.testing.assert_array_equal(low + 10, high)


def test_beyond_the_slice_lies_air(ramp):
    (corner,) = cut(patch_at(0, 511))
    inside = corner[64:, :64]
    np.testing.assert_allclose(RAMP[:64, 447:511] / 10, inside, atol=0.51)
    assert 0 == corner[:64].max() == corner[:, 65:].max()


def test_values_outside_the_window_are_clipped(ramp):
    (image,) = cut(patch_at(256, 256), window_hu=(700.0, 701.0))
    assert {0, 255} <= set(np.unique(image).tolist()) <= {0, 255}


@pytest.mark.parametrize("size", [32, 64, 256])
def test_a_size_is_made_by_antialiased_resizing(ramp, size):
    """All but alike: at its edges a patch sees a little of what lies beyond."""
    small = Image.fromarray(RAMP[136:264, 236:364].astype(np.float32) / 10)
    expected = np.asarray(small.resize((size, size), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(expected, cut(patch_at(200, 300), size=size)[0], atol=0.6)


def test_resampling_covers_128_pixels_of_the_new_spacing(ramp):
    spacing = SCANS[1].pixel_spacing  # 0.65 mm
    (image,) = cut(patch_at(256, 256), spacing_mm=spacing / 2)
    assert RAMP[224:288, 224:288].mean() / 10 == pytest.approx(image.mean(), abs=0.5)
    (wide,) = cut(patch_at(256, 256), spacing_mm=spacing * 2)
    expected = RAMP[128:384, 128:384].reshape(128, 2, 128, 2).mean(axis=(1, 3)) / 10
    np.testing.assert_allclose(expected[2:-2, 2:-2], wide[2:-2, 2:-2], atol=0.6)


def test_the_scans_own_spacing_changes_nothing(ramp):
    np.testing.assert_array_equal(
        cut(patch_at(200, 300)), cut(patch_at(200, 300), spacing_mm=SCANS[1].pixel_spacing)
    )
