"""Illustrations: drawn figures inside the page."""

import base64

from redl.results.report.figures.drawing import DrawnFigure
from redl.results.report.page.illustrations import MOST_BYTES, illustrations_of


def drawn(folder, name="a", **sizes):
    files = {}
    for suffix, size in sizes.items():
        files[suffix] = folder / f"{name}.{suffix}"
        files[suffix].write_bytes(b"x" * size)
    return DrawnFigure(name=name, title=name, caption="Caption.", files=files)


def test_a_figure_holds_the_whole_file(tmp_path):
    (shown,), _ = illustrations_of([drawn(tmp_path, svg=3)])
    assert b"xxx" == base64.b64decode(shown.address.removeprefix("data:image/svg+xml;base64,"))


def test_a_drawing_is_taken_before_an_image(tmp_path):
    (shown,), _ = illustrations_of([drawn(tmp_path, svg=3000, png=3)])
    assert shown.address.startswith("data:image/svg+xml;base64,")


def test_an_image_is_taken_where_a_drawing_is_too_large(tmp_path):
    (shown,), _ = illustrations_of([drawn(tmp_path, svg=MOST_BYTES, png=3)])
    assert shown.address.startswith("data:image/png;base64,")


def test_a_figure_without_a_format_of_the_web_is_left_out(tmp_path):
    assert ([], ["a"]) == illustrations_of([drawn(tmp_path, pdf=3)])


def test_what_would_make_the_page_large_is_left_out(tmp_path):
    shown, left_out = illustrations_of(
        [drawn(tmp_path, "large", svg=MOST_BYTES), drawn(tmp_path, "b", svg=3)]
    )
    assert (["b"], ["large"]) == ([one.title for one in shown], left_out)


def test_what_no_longer_fits_beside_others_is_left_out(tmp_path):
    half = MOST_BYTES * 3 // 9  # as it is embedded, which takes a third more, four ninths
    shown, left_out = illustrations_of([drawn(tmp_path, name, svg=half) for name in ("a", "b", "c")])
    assert (["a", "b"], ["c"]) == ([one.title for one in shown], left_out)
