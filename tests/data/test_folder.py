"""Your own folder is a data set; messages name a faulty image by its row, never by its file."""

import contextlib
import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from redl.data.dicom import Encoding, Syntax, write_image
from redl.data.folder import Folder, check_folder, folder_source
from redl.errors import DataError, OptionError

PATIENT = "DOE_JANE"
PIXELS = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)


@pytest.fixture
def root(tmp_path):
    """A PNG of 8 bits, one of 16, a DICOM file, and a table of them and their subjects."""
    images = tmp_path / "images"
    (images / PATIENT).mkdir(parents=True)
    Image.fromarray(PIXELS).save(images / PATIENT / "a.png")
    Image.fromarray(PIXELS.astype(np.uint16) * 257).save(images / "b.png")
    encoding = Encoding(syntax=Syntax.UNCOMPRESSED, inverted=False, sigmoid=False)
    write_image(images / "c.dcm", PIXELS.astype(np.uint16) * 16, encoding, patient=PATIENT, key="c")
    write_table(tmp_path, f"{PATIENT}/a.png,jane,1", "b.png,joe,0", "c.dcm,jane,1")
    return tmp_path


def write_table(root, *rows, header="image,subject,label"):
    (root / "table.csv").write_text("\n".join([header, *rows]))


def folder(root, **changes) -> Folder:
    return Folder(**{"name": "clinic", "images": root / "images", "table": root / "table.csv"} | changes)


def described(root):
    return folder_source(folder(root), image_size=8)


def refusal(call) -> str:
    with pytest.raises(DataError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert PATIENT not in str(caught.value)
    return str(caught.value)


# What is read


def test_labels_and_subjects_are_the_tables(root):
    source = described(root)
    assert ([1, 0, 1], [0, 1, 0]) == (source.labels.tolist(), source.subjects.tolist())


def test_an_image_is_named_by_its_row(root):
    assert ["row 1", "row 2", "row 3"] == [item.name for item in described(root).items]
    assert PATIENT not in repr(described(root).items)


def test_png_of_8_and_16_bits_and_dicom_show_the_same(root):
    eight, sixteen, dicom = (item.work().images[0] for item in described(root).items)
    np.testing.assert_array_equal(PIXELS, eight)
    np.testing.assert_array_equal(eight, sixteen)
    np.testing.assert_allclose(eight, dicom, atol=1)


def test_with_crop_an_image_is_cut_to_its_bright_part(root):
    pixels = np.zeros((40, 40), np.uint8)
    pixels[8:24, 8:24] = 200
    Image.fromarray(pixels).save(root / "images" / "b.png")
    whole, cut = (
        folder_source(folder(root, crop=crop), image_size=8).items[1].work().images for crop in (False, True)
    )
    assert whole.mean() < 50 < 150 < cut.mean()


def test_other_columns_are_ignored(root):
    write_table(root, "x,b.png,joe,0", header="age,image,subject,label")
    assert [0] == described(root).labels.tolist()


def test_a_byte_order_mark_is_not_part_of_the_first_column(root):
    table = root / "table.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert 3 == len(described(root).items)


def test_a_good_folder_passes_the_check(root):
    check_folder(folder(root))


# What is refused


@pytest.mark.parametrize("name", ["rsna", "lidc", "My Clinic", "a-b", "", "1st"])
def test_a_name_that_no_case_could_bear_is_refused(root, name):
    with pytest.raises(OptionError, match=r": begin with a small letter, .* none of rsna, lidc$"):
        folder(root, name=name)


def test_a_missing_folder_is_refused(root):
    wrong = folder(root, images=root / "nowhere")
    assert refusal(lambda: check_folder(wrong)).endswith(
        "no such folder; correct `images` of data set clinic"
    )


def test_a_missing_table_is_refused(root):
    (root / "table.csv").unlink()
    expected = "table.csv: no such table; write one, or correct its path"
    assert expected == refusal(lambda: check_folder(folder(root)))


def test_a_table_that_is_not_text_is_refused(root):
    (root / "table.csv").write_bytes(b"PK\x03\x04\xff\xfe\x00")
    expected = "table.csv: a spreadsheet's own file; save it as CSV"
    assert expected == refusal(lambda: check_folder(folder(root)))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "table.csv: lists no image; add a row for each"),
        (["b.png,joe,0", "b.png,jane,1"], "clinic: row 2 repeats the image of row 1; keep one row of each"),
        (["b.png,joe,0", f",{PATIENT},1"], "table.csv row 2: image or subject is empty; fill it in"),
        ([f"{PATIENT}.png,,1"], "table.csv row 1: image or subject is empty; fill it in"),
        ([f"{PATIENT}.png"], "table.csv row 1: image or subject is empty; fill it in"),
        ([f"../{PATIENT}.png,a,1"], "table.csv row 1: image must name a file below the folder; correct it"),
        ([f"/{PATIENT}.png,a,1"], "table.csv row 1: image must name a file below the folder; correct it"),
        ([f"b.png,a,{PATIENT}"], "table.csv row 1: label must be 0 or 1; correct it"),
        (["b.png,a,2"], "table.csv row 1: label must be 0 or 1; correct it"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused(root, rows, expected):
    write_table(root, *rows)
    assert expected == refusal(lambda: check_folder(folder(root)))


def test_a_missing_column_is_refused_by_its_name(root):
    write_table(root, "b.png,0", header="image,label")
    assert "table.csv: has no column subject; add it, or say its name in `columns`" == refusal(
        lambda: check_folder(folder(root))
    )


@pytest.mark.parametrize(
    ("row", "content", "expected"),
    [
        (0, b"<html>", "row 1: neither a DICOM, PNG, JPEG, WebP nor TIFF file; convert it to one"),
        (0, b"", "row 1: neither a DICOM, PNG, JPEG, WebP nor TIFF file; convert it to one"),
        (0, b"\x89PNG\r\n\x1a\n", "row 1: it is damaged or cut short; export it again"),
        (2, bytes(128) + b"DICM", "row 3: no pixel data; leave the file out"),
        (2, None, "row 3: its file is not there; add it or correct the table"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_by_its_row(root, row, content, expected):
    item = described(root).items[row]
    file = root / "images" / [f"{PATIENT}/a.png", "b.png", "c.dcm"][row]
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert expected == refusal(item.work)


def test_a_colour_image_is_refused(root):
    Image.new("RGB", (8, 8), "red").save(root / "images" / "b.png")
    expected = "row 2: it is a colour image; convert it to grey, e.g. with Pillow's convert('L')"
    assert expected == refusal(described(root).items[1].work)


@given(st.data())
def test_a_damaged_png_is_an_image_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("png") / "b.png"
    Image.fromarray(PIXELS.astype(np.uint16) * 257).save(path)
    content = bytearray(path.read_bytes())
    del content[data.draw(st.integers(0, len(content))) :]
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)) if content else []:
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    write_table(path.parent, "b.png,a,0")
    (item,) = folder_source(folder(path.parent, images=path.parent), image_size=8).items
    with contextlib.suppress(DataError):
        assert (1, 8, 8) == item.work().images.shape


@pytest.mark.parametrize(
    ("negative", "positive"),
    [("0", "1"), ("0.0", "1.0"), ("False", "True"), (" 0 ", " 1"), ("false", "TRUE")],
)
def test_labels_are_read_as_spreadsheets_and_pandas_write_them(root, negative, positive):
    write_table(root, f"b.png,joe,{negative}", f"c.dcm,jane,{positive}")
    assert [0, 1] == described(root).labels.tolist()


@pytest.mark.parametrize(
    "header", ["Image,Subject,Label", " image , subject ,LABEL ", "\ufeffimage,subject,label"]
)
def test_headers_may_have_capitals_spaces_and_a_byte_order_mark(root, header):
    write_table(root, "b.png,joe,0", "c.dcm,jane,1", header=header)
    assert [0, 1] == described(root).labels.tolist()


@pytest.mark.parametrize("label", ["2", "0.5", "yes", "-1", "", "nan"])
def test_another_label_is_refused(root, label):
    write_table(root, f"b.png,joe,{label}")
    assert "table.csv row 1: label must be 0 or 1; correct it" == refusal(lambda: described(root))


# Folders of classes, and tables with other names


@pytest.fixture
def classes(tmp_path):
    """Images in a folder for each class, as the public sets of brain tumours are."""
    for name in ("yes", "no", "unclear"):
        for number in range(4):
            path = tmp_path / name / f"P{number // 2}_{name}{number}.JPG"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(PIXELS).convert("RGB").save(path, format="JPEG")
    (tmp_path / "yes" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "yes" / ".DS_Store").write_bytes(b"x")
    return tmp_path


def of_classes(root, **changes):
    return Folder(**{"name": "mri", "images": root, "positive": ("yes",), "subject": "(P[0-9])_"} | changes)


def test_the_folder_of_a_file_is_its_label_and_a_pattern_finds_its_subject(classes):
    source = folder_source(of_classes(classes), image_size=8)
    assert [0] * 8 + [1] * 4 == source.labels.tolist()
    assert [0, 0, 1, 1] * 3 == source.subjects.tolist()
    assert "yes file 4" == source.items[-1].name
    assert (1, 8, 8) == source.items[-1].work().images.shape
    assert "yes" == source.options["positive"]


def test_several_folders_may_be_positive(classes):
    source = folder_source(of_classes(classes, positive=("yes", "unclear")), image_size=8)
    assert [0] * 4 + [1] * 8 == source.labels.tolist()


def test_a_table_may_give_the_subjects_of_folders_of_classes(classes):
    rows = [
        f"{path.relative_to(classes)},{number:02}"
        for number, path in enumerate(sorted(classes.rglob("*.JPG")))
    ]
    (classes / "t.csv").write_text("\n".join(["image,subject", *rows]))
    source = folder_source(of_classes(classes, table=classes / "t.csv", subject=None), image_size=8)
    assert ([0] * 8 + [1] * 4, list(range(12))) == (source.labels.tolist(), source.subjects.tolist())


def test_columns_and_labels_may_be_the_tables_own(root):
    write_table(root, "b.png;joe;B", "c.dcm;jane;M", header="File;Patient ID;Diagnosis")
    columns = {"image": "file", "subject": "patient id", "label": "diagnosis"}
    source = folder_source(folder(root, columns=columns, positive=("M",)), image_size=8)
    assert [0, 1] == source.labels.tolist()


def test_a_pattern_may_find_the_subjects_of_a_table(root):
    write_table(root, "b.png,0", "c.dcm,1", header="image,label")
    assert [0, 1] == folder_source(folder(root, subject=r"^(\w)"), image_size=8).subjects.tolist()


@pytest.mark.parametrize(
    "name", ["1.2.840.113619.2.55.3.1", "IM.0001", "scan.IMA", "X.DCM", "noext", "picture.png"]
)
def test_a_dicom_file_is_known_by_what_it_holds(root, name):
    (root / "images" / "c.dcm").rename(root / "images" / name)
    write_table(root, f"{name},jane,1")
    np.testing.assert_allclose(PIXELS, described(root).items[0].work().images[0], atol=1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"positive": ()}, "data set mri: name its `table`, or the `positive` folders of classes"),
        ({"subject": "P[0-9]"}, "data set mri: subject must be a pattern with one group"),
        ({"subject": "(P[0-9]"}, "data set mri: subject must be a pattern with one group"),
        ({"subject": None}, "data set mri: say whose image each is by `subject`, a pattern, or by a `table`"),
        (
            {"columns": {"patient": "x"}},
            "data set mri: no column is used as patient; use image, subject or label",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(classes, changes, expected):
    with pytest.raises(OptionError, match=f"^{re.escape(expected)}"):
        of_classes(classes, **changes)


def test_a_class_that_is_not_there_is_refused(classes):
    wrong = of_classes(classes, positive=("tumour",))
    assert refusal(lambda: check_folder(wrong)).endswith("has no folder tumour; correct `positive` of mri")


def test_a_path_without_a_subject_is_refused_by_its_number(classes):
    (classes / "no" / "DOE_JANE.jpg").write_bytes(b"x")
    expected = "no file 1: the pattern `subject` of mri finds none in its path; correct it"
    assert expected == refusal(lambda: check_folder(of_classes(classes)))


def test_a_table_of_another_folders_images_is_refused(root):
    write_table(root, "x/1.png,a,0", "x/2.png,b,1")
    assert refusal(lambda: described(root)).endswith("holds none of the 2 images that the table lists")


# What is no file of the folder's own


@pytest.mark.parametrize("name", ["./b.png", ".//b.png", ".\\b.png", "link.png", "hard.png"])
def test_two_names_of_one_image_are_one_image(root, name):
    (root / "images" / "link.png").symlink_to("b.png")
    (root / "images" / "hard.png").hardlink_to(root / "images" / "b.png")
    write_table(root, f"{PATIENT}/a.png,jane,1", "b.png,joe,0", f"{name},jim,1")
    assert "clinic: row 3 repeats the image of row 2; keep one row of each" == refusal(
        lambda: described(root)
    )


def test_a_link_within_the_folder_is_followed(root):
    (root / "images" / "link.png").symlink_to("b.png")
    write_table(root, f"{PATIENT}/a.png,jane,1", "link.png,joe,0")
    assert 2 == len(described(root).items)


def test_a_link_out_of_the_folder_is_refused(root):
    (root / "secret.png").write_bytes((root / "images" / "b.png").read_bytes())
    (root / "images" / "link.png").symlink_to(root / "secret.png")
    write_table(root, "b.png,joe,0", "link.png,jane,1")
    expected = "row 2: a link leads out of images; copy its file there"
    assert expected == refusal(lambda: described(root))


def test_a_folder_that_is_a_link_out_is_refused(root):
    (root / "images" / PATIENT).rename(root / "elsewhere")
    (root / "images" / PATIENT).symlink_to(root / "elsewhere")
    assert "row 1: a link leads out of images; copy its file there" == refusal(lambda: described(root))


def test_the_folder_itself_may_be_a_link(root):
    (root / "images").rename(root / "elsewhere")
    (root / "images").symlink_to(root / "elsewhere")
    assert 3 == len(described(root).items)


def test_a_pipe_in_place_of_an_image_is_refused_and_not_waited_for(root):
    os.mkfifo(root / "images" / "pipe.png")
    write_table(root, "b.png,joe,0", "pipe.png,jane,1")
    expected = "row 2: not a file but a folder, a pipe or a device; replace it by an image"
    assert expected == refusal(lambda: described(root))


def test_a_name_that_no_file_can_have_is_a_missing_file(root):
    write_table(root, "b.png,joe,0", f"{'x' * 300}.png,jane,1")
    assert "missing" == described(root).items[1].stamp
