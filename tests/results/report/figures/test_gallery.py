"""Every figure of a run is drawn, and what is left out has a reason."""

import subprocess
import sys

import pytest

from redl.errors import OptionError, RecordError
from redl.results.report.figures import draw_figures, gallery, printed_gallery, save_gallery
from redl.results.report.figures.gallery import Gallery
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.saved import finished, run_of
from tests.results.report.figures.replayed import replayed

BY_PAGE = (
    "ratios",
    "resources",
    "radar",
    "downsampling",
    "learning",
    "calibration",
    "decision",
    "acceptability",
)
OF_ALL = ("memory", "parameters", "pepr")


def left_out(run):
    return {one.name: one.reason for one in gallery([run]).left_out}


def small():
    """Return figures that are drawn in little time."""
    return replayed(seeds=1, epochs=2, models=("mlp",), datasets=("rsna",))


def test_a_whole_matrix_has_every_figure_of_both_data_sets(whole):
    expected = {f"{kind}-{data}-smoke" for kind in BY_PAGE + OF_ALL for data in ("rsna", "lidc")}
    assert expected == set(whole)


def test_a_run_says_who_draws_its_sample_images():
    assert "`redl data describe rsna --figure FILE`" in left_out(run_of(finished()))["samples-rsna"]


def test_a_figure_without_answers_is_left_out_with_the_reason():
    reason = left_out(run_of(finished()))["calibration-rsna-smoke"]
    assert (
        "rsna-densenet-baseline-seed1: its predictions were not saved; run it again with this redl" == reason
    )


def test_a_radar_without_energy_has_three_axes():
    [drawing] = [one for one in gallery([run_of(finished())]).drawings if one.name == "radar-rsna-smoke"]
    assert ["P_T\n0.900", "memory\n512 MB", "inference\n1.5 s"] == [
        t.get_text() for t in drawing.figure.axes[0].texts
    ]


def test_a_run_without_results_draws_nothing():
    assert () == gallery([run_of()]).drawings


def test_a_figure_that_no_axis_holds_is_left_out_and_the_rest_drawn():
    first = WHOLE.training.trace[0]
    trace = tuple(replace(first, epoch=epoch, valid_loss=loss) for epoch, loss in ((1, 1e308), (2, -1e308)))
    found = gallery([run_of(finished(training=replace(WHOLE.training, trace=trace)))])
    assert ["learning-rsna-smoke"] == [one.name for one in found.left_out if "too large" in one.reason]
    assert "radar-rsna-smoke" in {one.name for one in found.drawings}


def test_files_are_named_by_figure_and_format(tmp_path):
    drawn = draw_figures([small()], tmp_path / "new", formats=("svg",))
    assert [{"svg": tmp_path / "new" / f"{one.name}.svg"} for one in drawn] == [one.files for one in drawn]


def test_every_figure_is_written_in_each_format(tmp_path):
    names = {one.name for one in draw_figures([small()], tmp_path)}
    expected = {f"{name}.{suffix}" for name in names for suffix in ("png", "pdf", "svg")}
    assert expected == {path.name for path in tmp_path.iterdir()}


def test_an_unknown_format_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(OptionError, match=r"figure format gif: unknown; .*use one of png, pdf, svg"):
        draw_figures([small()], tmp_path / "new", formats=("gif",))
    assert not (tmp_path / "new").exists()


def test_a_gallery_is_saved_in_no_unknown_format(tmp_path):
    with pytest.raises(OptionError, match="gif"):
        save_gallery(Gallery(drawings=(), left_out=()), tmp_path, ("gif",))


def test_two_runs_of_one_case_that_differ_are_refused():
    one, other = run_of(finished(), name="a.json"), run_of(finished(accuracy=0.8), name="b.json")
    with pytest.raises(RecordError, match=r"a\.json and b\.json: rsna-densenet-baseline-seed1 differs"):
        gallery([one, other])


def test_the_printed_tables_have_a_radar_for_each_data_set():
    expected = ["radar-printed-table1-rsna", "radar-printed-table1-lidc", "radar-printed-table2-rsna"]
    assert expected == [drawing.name for drawing in printed_gallery().drawings]


def test_another_process_draws_the_same_bytes(tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    draw_figures([small()], own)
    program = (
        "import sys, pathlib\n"
        "from redl.results.report.figures import draw_figures\n"
        "from tests.results.report.figures.test_gallery import small\n"
        "draw_figures([small()], pathlib.Path(sys.argv[1]))\n"
    )
    subprocess.run([sys.executable, "-c", program, other], check=True)
    assert {path.name: path.read_bytes() for path in own.iterdir()} == {
        path.name: path.read_bytes() for path in other.iterdir()
    }


def test_a_name_from_a_record_becomes_neither_a_path_nor_markup(tmp_path):
    case = replace(WHOLE.case, dataset="../<script>", model="<script>")
    drawn = draw_figures([run_of(finished(case=case))], tmp_path, formats=("svg",))
    assert {tmp_path} == {path.parent for one in drawn for path in one.files.values()}
    assert not any("<script" in path.read_text() for path in tmp_path.iterdir())


def test_dollar_signs_are_no_mathematics(tmp_path):
    run = run_of(*(finished(setting, model="$\\frac$") for setting in ("baseline", "$x$")))
    assert draw_figures([run], tmp_path, formats=("png",))


def test_names_that_files_cannot_tell_apart_get_numbers():
    runs = [
        run_of(
            *(
                finished(
                    case=finished().case.__class__(
                        dataset=data, model="mlp", setting="baseline", seed=1, profile="smoke"
                    )
                )
                for data in ("a+b", "a.b")
            )
        )
    ]
    names = [drawing.name for drawing in gallery(runs).drawings if drawing.name.startswith("radar")]
    assert ["radar-a-b-smoke", "radar-a-b-smoke-again2"] == names
