"""The plugin: what is collected, what is refused, and one whole run."""

import json
import sys
from pathlib import Path
from statistics import mean

import numpy as np
import pydicom
import pytest

from redl.data.dicom import Encoding, Syntax, write_image
from redl.plugin.session import SESSION
from redl.results.store import load_run
from redl.study.profile import TINY

SUITE = Path(__file__).parents[2] / "benchmarks"
NEEDS_CASES = "def test_training(redl_case): pass"
BASELINE = "rsna-densenet-baseline-seed1"


@pytest.fixture
def collected(pytester):
    pytester.makepyfile(NEEDS_CASES)

    def ids(*arguments):
        lines = pytester.runpytest("--collect-only", "-q", *arguments).stdout.lines
        return [line.partition("[")[2].removesuffix("]") for line in lines if "[" in line]

    return ids


SETTINGS = ["baseline", "amp", "8bit", "amp+8bit", "half+8bit", "half"]


def test_every_case_is_collected_with_its_id(collected):
    expected = [f"{data}-densenet-{setting}-seed1" for data in ("rsna", "lidc") for setting in SETTINGS]
    assert expected == collected("-k", "densenet")


def test_every_model_is_collected(collected):
    models = {case.split("-")[1] for case in collected()}
    assert {"densenet", "swin", "vit", "efficientnet", "mlp"} == models


def test_the_paper_profile_lists_every_case_once(collected):
    cases = collected("--redl-profile=paper")
    assert 2 * (5 * 6 + 2) * 3 == len(cases) == len(set(cases))


DOWNSAMPLED = """
import pytest
@pytest.mark.redl_downsampled
def test_downsampling(redl_case): pass
"""


def test_a_test_of_downsampling_takes_the_downsampled_cases(pytester):
    pytester.makepyfile(DOWNSAMPLED)
    chosen = "seed10 and rsna and baseline"
    result = pytester.runpytest("--collect-only", "-q", "--redl-profile=paper", "-k", chosen)
    found = [line.partition("[")[2].removesuffix("]") for line in result.stdout.lines if "[" in line]
    assert [f"rsna-densenet-baseline-seed10-down{scale}" for scale in (2, 4, 8)] == found


@pytest.mark.parametrize(
    ("expression", "settings"),
    [
        ("8bit and not amp", ["8bit", "half+8bit"]),
        ("half and not 8bit", ["half"]),
        ("densenet and baseline", ["baseline"]),
        ("densenet and amp", ["amp", "amp+8bit"]),
    ],
)
def test_a_keyword_selects_what_it_says(collected, expression, settings):
    expected = [f"lidc-densenet-{setting}-seed1" for setting in settings]
    assert expected == collected("-k", f"lidc and densenet and ({expression})")


@pytest.mark.parametrize("model", ["densenet", "swin", "vit", "efficientnet", "mlp"])
def test_a_model_is_selected_by_its_name(collected, model):
    assert {("lidc", model)} == {tuple(case.split("-")[:2]) for case in collected("-k", f"lidc and {model}")}


def test_a_seed_is_selected_alone(collected):
    cases = collected("--redl-profile=paper", "-k", "seed1 and not half")
    assert {"seed1"} == {case.rpartition("-")[2] for case in cases}
    assert 2 * (5 * 4 + 2) == len(cases)


def test_seeds_can_be_chosen(collected):
    cases = collected("--redl-seeds=3-5,9", "-k", "rsna and mlp and baseline")
    assert [f"rsna-mlp-baseline-seed{seed}" for seed in (3, 4, 5, 9)] == cases


def test_any_network_of_timm_takes_the_studys_place(collected):
    cases = collected("--redl-model=resnet50", "--redl-model=vit", "-k", "rsna and baseline")
    assert ["rsna-resnet50-baseline-seed1", "rsna-vit-baseline-seed1"] == cases


def test_downsampled_cases_are_selected_by_their_scale_and_run_last(pytester):
    pytester.makepyfile(test_all=f"{DOWNSAMPLED}\ndef test_training(redl_case): pass")

    def ids(*arguments):
        lines = pytester.runpytest("--collect-only", "-q", *arguments).stdout.lines
        return [line.partition("[")[2].removesuffix("]") for line in lines if "[" in line]

    chosen = ("--redl-scales=2,4,16", "-k")
    assert {"down2"} == {case.rpartition("-")[2] for case in ids(*chosen, "down2")}
    assert {"down2", "down4", "down16"} == {case.rpartition("-")[2] for case in ids(*chosen, "down")}
    everything = ["-down" in case for case in ids(*chosen, "densenet")]
    assert sorted(everything) == everything


def test_a_data_set_is_selected_by_its_name(collected):
    assert {"rsna"} == {case.partition("-")[0] for case in collected("-k", "rsna")}


def test_collecting_imports_no_torch(pytester):
    pytester.makepyfile(NEEDS_CASES)
    pytester.makeconftest(
        "import sys\ndef pytest_sessionfinish():\n"
        "    heavy = {'torch', 'timm', 'pandas', 'scipy', 'sklearn', 'pydicom', 'carbontracker'}\n"
        "    heavy &= set(sys.modules)\n"
        "    print('heavy:', sorted(heavy))"
    )
    pytester.runpytest_subprocess("--collect-only", "-q").stdout.fnmatch_lines(["*heavy: []"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--redl-profile=huge"], "unknown profile 'huge': use one of smoke, paper, tiny"),
        (["--redl-half-dtype=int4"], "--redl-half-dtype int4: use one of auto, bfloat16, float16"),
        (["--redl-retries=-1"], "--redl-retries -1: give a number of 0 or more, e.g. 2"),
        (["--redl-retries=once"], "--redl-retries once: give a number of 0 or more, e.g. 2"),
        (["--redl-settle=-1"], "--redl-settle -1: give seconds of 0 or more, e.g. 30"),
        (["--redl-settle=nan"], "--redl-settle nan: give seconds of 0 or more, e.g. 30"),
        (["--redl-settle=inf"], "--redl-settle inf: give seconds of 0 or more, e.g. 30"),
        (["--redl-settle=soon"], "--redl-settle soon: give seconds of 0 or more, e.g. 30"),
        (["--redl-timeout=soon"], "--redl-timeout soon: give seconds above 0, e.g. 3600"),
        (["--redl-pue=0.9"], "--redl-pue 0.9: a site draws at least what its machines draw; give 1 or more"),
        (["--redl-pue=low"], "--redl-pue low: give a factor of 1 or more, e.g. 1.2"),
        (["--redl-country=Denmark"], "--redl-country Denmark: not in CarbonTracker's table; *"),
        (["--redl-carbon-intensity=green"], "--redl-carbon-intensity green: give grams of CO2eq per kWh, *"),
        (["--redl-country=DK", "--redl-carbon-intensity=100"], "--redl-country and * exclude each other*"),
        (["--redl-cpu-tdp=0"], "--redl-cpu-tdp 0: give watts above 0, e.g. 65"),
        (["--redl-cpu-tdp=big"], "--redl-cpu-tdp big: give watts, e.g. 65"),
        (["--redl-pretrained=maybe"], "--redl-pretrained maybe: use one of no, try, require, published"),
        (["--redl-weights=/absent"], "--redl-weights /absent: no such folder"),
        (["--redl-weights=.", "--redl-pretrained=no"], "--redl-weights and --redl-pretrained=no exclude *"),
        (["--redl-model=my-net"], "model 'my-net': begin with a small letter, *"),
        (["--redl-epochs=0"], "--redl-epochs 0: give a whole number above 0"),
        (["--redl-batch-size=1.5"], "--redl-batch-size 1.5: give a whole number above 0"),
        (["--redl-images=many"], "--redl-images many: give a whole number above 0"),
        (["--redl-learning-rate=nan"], "--redl-learning-rate nan: give a number above 0, e.g. 1e-5"),
        (["--redl-learning-rate=inf"], "--redl-learning-rate inf: give a number above 0, e.g. 1e-5"),
        (
            ["--redl-seeds=1,1"],
            "--redl-seeds 1,1: give whole numbers of 0 or more, each once, e.g. 1,10,100 *",
        ),
        (
            ["--redl-seeds="],
            "--redl-seeds : give whole numbers of 0 or more, each once, e.g. 1,10,100 or 1-10",
        ),
        (
            ["--redl-seeds=5-3"],
            "--redl-seeds 5-3: give whole numbers of 0 or more, each once, e.g. 1,10,100 *",
        ),
        (["--redl-scales=1"], "--redl-scales 1: give whole numbers above 1, e.g. 2,4,8"),
        (["--redl-scales=3"], "--redl-scales 3: does not divide images of 32 pixels; choose a divisor, *"),
        (["--redl-crop=maybe"], "--redl-crop maybe: use one of yes, no"),
        (["--redl-rsna-max-age=young"], "--redl-rsna-max-age young: give years, or none"),
        (["--redl-rsna-max-age=0"], "a cohort younger than 0.0: give an age above 0"),
        (["--redl-rsna-site=north"], "--redl-rsna-site north: give a site's number, e.g. 1, or none"),
        (["--redl-lidc-min-raters=two"], "--redl-lidc-min-raters two: give 1 to 4"),
        (["--redl-lidc-min-raters=5"], "min_raters 5: take one of 1 to 4"),
        (["--redl-lidc-window-hu=wide"], "--redl-lidc-window-hu wide: give two numbers, e.g. -1000,400"),
        (["--redl-lidc-window-hu=400,-1000"], "window_hu 400 -1000: take two numbers, the lower first"),
        (
            ["--redl-lidc-max-cluster=all"],
            "--redl-lidc-max-cluster all: give a number of annotations, *",
        ),
        (["--redl-lidc-max-cluster=1"], "max_cluster 1: nothing could be positive; take 2 or more"),
        (["--redl-lidc-spacing-mm=fine"], "--redl-lidc-spacing-mm fine: give millimetres, e.g. 0.7, or none"),
        (["--redl-lidc-root=nowhere"], "nowhere: no such folder; download *"),
        (["--redl-max-unreadable=2"], "a share of 2.0 unreadable files: give one from 0 to 1"),
        (["--redl-max-unreadable=few"], "--redl-max-unreadable few: give a share from 0 to 1, e.g. 0.01"),
        (["--redl-timeout=0"], "--redl-timeout 0: give seconds above 0, e.g. 3600"),
        (["--redl-rsna-root=nowhere"], "nowhere: no such folder; download *, or leave the folder out *"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_line(pytester, arguments, message):
    result = pytester.runpytest(*arguments)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert 1 == len([line for line in result.stderr.lines if line])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize(("arguments", "retries"), [((), 0), (("--redl-retries=2",), 2)])
def test_a_case_is_run_again_only_if_that_is_asked_for(pytester, arguments, retries):
    pytester.makepyfile(f"def test_it(redl_options): assert {retries} == redl_options.run.retries")
    assert 0 == pytester.runpytest(*arguments).ret


@pytest.mark.parametrize(("arguments", "seconds"), [((), 0.0), (("--redl-settle=2.5",), 2.5)])
def test_a_phase_settles_only_if_it_is_asked_to(pytester, arguments, seconds):
    pytester.makepyfile(f"def test_it(redl_options): assert {seconds} == redl_options.run.settle_s")
    assert 0 == pytester.runpytest(*arguments).ret


@pytest.mark.parametrize(
    ("arguments", "pretraining", "named"),
    [
        ([], "no", False),
        (["--redl-profile=paper"], "published", False),
        (["--redl-profile=paper", "--redl-pretrained=try"], "try", False),
        (["--redl-weights=."], "published", True),
        (["--redl-weights=.", "--redl-pretrained=try"], "try", True),
    ],
    ids=str,
)
def test_pretrained_weights_are_asked_for_by_profile_or_option(pytester, arguments, pretraining, named):
    options = pytester.parseconfigure(*arguments).stash[SESSION].options
    assert (pretraining, named) == (options.run.profile.pretraining, options.run.weights is not None)


def test_the_environment_names_a_root_too(pytester, monkeypatch):
    pytester.makepyfile(NEEDS_CASES)
    monkeypatch.setenv("REDL_RSNA_ROOT", "nowhere")
    pytester.runpytest().stderr.fnmatch_lines(["ERROR: nowhere: no such folder; *"])


def test_a_table_without_a_needed_column_is_one_line(pytester):
    pytester.path.joinpath("train.csv").write_text("patient_id,image_id,age\n1,2,50\n")
    result = pytester.runpytest("--redl-rsna-root=.")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["ERROR: train.csv: *BIRADS*"])


CLINIC = """
from pathlib import Path
from redl.data.folder import Folder

def pytest_redl_datasets(config):
    here = Path(__file__).parent
    return [Folder(name="clinic", images=here, table=here / "table.csv")]
"""
DECLARED = '[tool.redl.datasets.clinic]\nimages = "."\ntable = "table.csv"\n'


@pytest.fixture(params=["conftest", "pyproject"])
def clinic(request, pytester):
    """Declare a data set of the user's own, in either place."""
    pytester.path.joinpath("table.csv").write_text("image,subject,label\na.png,1,0\n")
    if request.param == "conftest":
        pytester.makeconftest(CLINIC)
    else:
        pytester.makepyprojecttoml(DECLARED)
    return pytester


@pytest.mark.usefixtures("clinic")
def test_a_data_set_of_ones_own_is_collected_under_every_setting(collected):
    cases = collected("-k", "clinic")
    assert 5 * 6 + 2 == len(cases)
    assert "clinic-densenet-amp+8bit-seed1" in cases


def test_a_data_set_of_ones_own_that_cannot_be_used_is_one_line(clinic):
    clinic.path.joinpath("table.csv").write_text("image,label\na.png,0\n")
    clinic.makepyfile(NEEDS_CASES)
    result = clinic.runpytest()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["ERROR: table.csv: has no column subject; add it*"])


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (
            DECLARED.replace("clinic", "rsna"),
            "data set 'rsna': begin with a small letter, *",
        ),
        ("[tool.redl.datasets.clinic]\nimages = 3\n", "pyproject.toml: ?tool.redl.datasets.clinic? needs *"),
        (f"{DECLARED}crop = 1\n", "pyproject.toml: ?tool.redl.datasets.clinic?: crop must be true or false"),
        (f"{DECLARED}mask = true\n", "pyproject.toml: ?tool.redl.datasets.clinic? does not know mask*"),
        (
            '[tool.redl]\ndatasets = "clinic"\n',
            "pyproject.toml: ?tool.redl.datasets? must be tables, one for each name",
        ),
        (
            "[tool.redl.dataset.x]\n",
            "pyproject.toml: ?tool.redl.dataset? is not read; did you mean datasets*",
        ),
        (
            "[tool.redl.models.net]\n",
            "pyproject.toml: ?tool.redl.models.net? needs timm, a network's *",
        ),
        (
            '[tool.redl.models.net]\nbuild = "nets:build"\n',
            "pyproject.toml: ?tool.redl.models.net?: 'nets:build': write it as file.py:function",
        ),
        ('[tool.redl.models.vit]\ntimm = "resnet18"\n', "model 'vit': begin with a small letter, *"),
        (
            "[tool.redl.settings.sgd]\n",
            "pyproject.toml: ?tool.redl.settings.sgd? needs configure, as file.py:*",
        ),
        (
            '[tool.redl.settings.sgd]\nconfigure = "no.py:sgd"\n',
            "pyproject.toml: ?tool.redl.settings.sgd?: 'no.py:sgd': there is no no.py beside pyproject.toml",
        ),
    ],
)
def test_a_declaration_that_cannot_be_used_is_one_line(pytester, declared, message):
    pytester.makepyprojecttoml(declared)
    pytester.makepyfile(NEEDS_CASES)
    result = pytester.runpytest()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_data_set_declared_twice_is_refused(pytester):
    pytester.path.joinpath("table.csv").write_text("image,subject,label\na.png,1,0\n")
    pytester.makeconftest(CLINIC)
    pytester.makepyprojecttoml(DECLARED)
    pytester.makepyfile(NEEDS_CASES)
    pytester.runpytest().stderr.fnmatch_lines(["ERROR: data set clinic is declared twice; rename one"])


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda image: image.write_text("<html>"), "the first is ?.dcm: not a DICOM file; download it again"),
        (lambda image: image.unlink(), "the first is ?.dcm: its file is not there; download it again"),
    ],
)
def test_images_that_cannot_be_used_end_the_run_with_one_line(pytester, prepare, message):
    root = pytester.path / "rsna"
    rows = ["patient_id,image_id,age,BIRADS"]
    for subject in range(8):
        folder = root / "train_images" / f"7777{subject}"
        folder.mkdir(parents=True)
        image = folder / f"{subject}.dcm"
        image.touch()
        prepare(image)
        rows.append(f"7777{subject},{subject},50,{subject % 2}")
    (root / "train.csv").write_text("\n".join(rows))
    pytester.makepyfile("def test_training(redl_case_process): pass")
    options = [f"--redl-rsna-root={root}", "--redl-cache=cache", "-q", "-k", "rsna"]
    result = pytester.runpytest_subprocess(*options)
    output = result.stdout.str() + result.stderr.str()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines([f"*{message}*"])
    assert "Traceback" not in output
    assert "7777" not in output.replace(str(pytester.path), "")


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_ends_the_run_with_one_line(pytester):
    pytester.makepyfile("def test_training(redl_case_process): pass")
    pytester.makefile("", file="")
    result = pytester.runpytest_subprocess(
        "--redl-cache=file/cache", "--redl-profile=tiny", "-q", "-k", "rsna"
    )
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(
        ["*--redl-cache file/cache: Not a directory; name a folder that can be written*"]
    )
    assert "Traceback" not in result.stdout.str()


def test_a_reference_that_is_none_ends_the_run_with_one_line(pytester):
    pytester.makepyfile("def test_training(redl_check): pass")
    result = pytester.runpytest("--redl-reference=nothing.json")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stdout.fnmatch_lines(["*nothing.json: cannot be read (FileNotFoundError)*"])


@pytest.fixture
def tiny_run(pytester, tmp_path_factory):
    """Run the real suite on the tiny profile, in a process of its own, and save it."""

    def run(*arguments):
        cache = tmp_path_factory.getbasetemp() / "tiny-cache"
        given = [str(SUITE), "--redl-profile=tiny", f"--redl-cache={cache}", "--benchmark-storage=saved"]
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *given, *arguments, timeout=300)

    return run


def test_one_case_leaves_a_record_a_table_and_a_saved_run(tiny_run, pytester):
    result = tiny_run("-k", "test_training and rsna and densenet and half+8bit", "--benchmark-json=run.json")
    assert 0 == result.ret
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "rsna: preparing images *",
            "rsna-densenet-half+8bit-seed1  epoch 1/1  loss 0.* s left",
            "Table 1, tiny profile, phantom images*",
            "*rsna*densenet*half+8bit*not compared: tiny*",
        ]
    )
    (record,) = load_run(pytester.path / "run.json").records.values()
    assert "bfloat16" == record.recipe.weights_dtype
    assert record.recipe.optimizer_state_bits["8"] > 6_000_000
    assert TINY.epochs == record.training.epochs_run
    assert record.memory.train_peak_bytes > record.memory.predicted.total
    assert record.energy.train.energy_wh > 0
    (answers,) = load_run(pytester.path / "run.json").predictions.values()
    assert record.data.images.test == len(answers.labels)
    right = [(p > 0.5) == label for p, label in zip(answers.probabilities, answers.labels, strict=True)]
    assert record.metrics.test.accuracy == pytest.approx(mean(right), abs=1e-12)
    saved = json.loads((pytester.path / "run.json").read_text())
    assert {"training", "inference"} == {benchmark["group"] for benchmark in saved["benchmarks"]}
    assert "" == saved["machine_info"]["node"]
    assert 1 == len(list((pytester.path / "saved").rglob("0001_*.json")))


@pytest.mark.slow
def test_ones_own_data_train_like_any_other_and_no_patient_is_named_anywhere(tiny_run, pytester):
    encoding = Encoding(syntax=Syntax.JPEG_LOSSLESS, inverted=False, sigmoid=False)
    rng = np.random.default_rng(0)
    rows = ["image,subject,label"]
    for number in range(30):
        file = pytester.path / f"DOE_JANE_{number}.dcm"
        brightness = rng.integers(0, 4096, (40, 40)).astype(np.uint16)
        write_image(file, brightness, encoding, patient=f"DOE_{number}", key=str(number))
        header = pydicom.dcmread(file)
        header.PatientName, header.PatientBirthDate = "DOE^JANE", "19700704"
        header.save_as(file)
        rows.append(f"{file.name},JANE{number % 10},{number % 2}")
    file.write_text("no DICOM file")
    pytester.path.joinpath("table.csv").write_text("\n".join(rows))
    pytester.makepyprojecttoml(DECLARED)
    own = ["-k", "test_training and clinic and mlp and baseline"]
    own += ["--redl-cache=own", "--redl-max-unreadable=0.1"]
    result = tiny_run(*own, "--benchmark-json=run.json", f"--rootdir={pytester.path}")
    assert 0 == result.ret, result.stdout.str()
    (record,) = load_run(pytester.path / "run.json").records.values()
    assert ("clinic", False, 1) == (record.case.dataset, record.data.synthetic, record.data.unreadable)
    saved = "".join(path.read_text() for path in pytester.path.rglob("*.json"))
    names = "".join(str(path) for path in (pytester.path / "own").rglob("*"))
    shown = result.stdout.str() + result.stderr.str() + saved + names
    assert [] == [planted for planted in ("DOE", "JANE", "19700704") if planted in shown]


@pytest.mark.slow
def test_a_case_that_outlasts_its_time_fails_and_the_next_goes_on(tiny_run):
    result = tiny_run(
        "-k",
        "rsna and densenet and not down and not deployment and (baseline or amp-seed1)",
        "--redl-timeout=0.01",
        "--benchmark-json=run.json",
    )
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        ["*rsna*densenet*baseline*did not finish:*", "*rsna*densenet*amp*did not finish:*"]
    )


@pytest.mark.slow
def test_saved_runs_compare_with_pytest_benchmark(tiny_run, pytester):
    tiny_run("-k", "test_training and rsna and densenet and baseline and not down", "--benchmark-save=one")
    command = [sys.executable, "-m", "pytest_benchmark", "--storage=saved", "compare"]
    result = pytester.run(*command)
    assert 0 == result.ret
    result.stdout.fnmatch_lines([f"*test_training?{BASELINE}?*"])


def test_the_tables_of_the_project_where_pytest_is_called_count(pytester, tmp_path):
    """Another checkout's suite is run from your own project: its root is that checkout."""
    suite = tmp_path / "checkout"
    suite.mkdir()
    suite.joinpath("pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    suite.joinpath("test_suite.py").write_text(NEEDS_CASES)
    pytester.path.joinpath("table.csv").write_text("image,subject,label\na.png,1,0\n")
    pytester.makepyprojecttoml(DECLARED)
    result = pytester.runpytest_subprocess(suite, "--collect-only", "-q", "-k", "clinic and vit and baseline")
    assert "clinic-vit-baseline-seed1" in result.stdout.str()


@pytest.mark.parametrize("content", [b"[tool.redl", b"\xff\xfe"], ids=["cut short", "not UTF-8"])
def test_a_broken_pyproject_where_pytest_is_called_is_one_line(pytester, tmp_path, content):
    suite = tmp_path / "checkout"
    suite.mkdir()
    suite.joinpath("pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    suite.joinpath("test_suite.py").write_text(NEEDS_CASES)
    pytester.path.joinpath("pyproject.toml").write_bytes(content)
    result = pytester.runpytest_subprocess(f"--rootdir={suite}", "-c", suite / "pyproject.toml", suite)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["ERROR: pyproject.toml: not TOML (*); correct it"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
