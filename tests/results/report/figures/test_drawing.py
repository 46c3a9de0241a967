"""Files of figures: names that are safe, and no trace of when or by what they were made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from redl.results.report.figures.drawing import FORMATS, Drawing, save, slug


@given(st.text())
def test_a_slug_is_small_letters_digits_and_hyphens(text):
    assert set(slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@given(st.text())
def test_a_slug_is_never_empty_nor_long(text):
    assert 0 < len(slug(text)) <= 60


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_names_neither_date_nor_version(tmp_path, suffix):
    drawing = Drawing(name="a", title="Title", caption="", figure=Figure(figsize=(1, 1)))
    content = save(drawing, tmp_path, [suffix]).files[suffix].read_bytes()
    assert not any(
        word in content for word in (b"Matplotlib v", b"matplotlib.org", b"CreationDate", b"dc:date")
    )


def test_an_svg_has_its_title_as_text(tmp_path):
    drawing = Drawing(name="a", title="This & <that>", caption="", figure=Figure(figsize=(1, 1)))
    assert (
        "<title>This &amp; &lt;that&gt;</title>" in save(drawing, tmp_path, ["svg"]).files["svg"].read_text()
    )
