"""[tool.redl] in pyproject.toml declares data sets, models and settings; what cannot be read is refused."""

import pytest

from redl.data.folder import Folder
from redl.errors import OptionError
from redl.execution.declared import Declared, declared_in
from redl.study.custom import CustomModel

CLINIC = '[tool.redl.datasets.clinic]\nimages = "images"\ntable = "labels.csv"\n'
NET = '[tool.redl.models.net]\ntimm = "resnet18"\n'


@pytest.fixture
def declared(tmp_path):
    """Return a function that reads the declarations of a text."""

    def read(text: str) -> Declared:
        path = tmp_path / "pyproject.toml"
        path.write_text(text)
        return declared_in(path)

    return read


def refusal(declared, text: str) -> str:
    with pytest.raises(OptionError) as caught:
        declared(text)
    return str(caught.value)


def test_a_project_without_a_pyproject_declares_nothing(tmp_path):
    assert Declared() == declared_in(tmp_path / "pyproject.toml")


def test_tables_of_other_tools_declare_nothing(declared):
    assert Declared() == declared("[project]\nname = 'x'\n[tool.ruff]\nline-length = 110\n")


def test_paths_are_relative_to_the_pyproject(declared, tmp_path):
    clinic = Folder(name="clinic", images=tmp_path / "images", table=tmp_path / "labels.csv", crop=True)
    assert (clinic,) == declared(f"{CLINIC}crop = true\n").folders


def test_a_model_is_named_by_its_table(declared):
    assert (CustomModel(name="net", timm="resnet18"),) == declared(NET).models


def test_the_rules_of_the_gate_are_read_elsewhere(declared):
    assert Declared() == declared("[tool.redl.gate]\naccuracy = '0.02'\n")


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [("dataset", "datasets"), ("model", "models"), ("setting", "settings"), ("gates", "gate")],
)
def test_a_mistyped_table_is_refused_with_the_nearest_name(declared, mistyped, meant):
    all_of_them = "use one of datasets, models, settings, gate"
    expected = f"pyproject.toml: [tool.redl.{mistyped}] is not read; did you mean {meant}? {all_of_them}"
    assert expected == refusal(declared, f"[tool.redl.{mistyped}]\nx = 1\n")


def test_a_table_like_none_is_refused_with_all_names(declared):
    expected = "pyproject.toml: [tool.redl.zzz] is not read; use one of datasets, models, settings, gate"
    assert expected == refusal(declared, "[tool.redl.zzz]\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[tool]\nredl = 3\n", "pyproject.toml: [tool.redl] must be a table"),
        ("[tool.redl]\nmodels = 3\n", "pyproject.toml: [tool.redl.models] must be tables, one for each name"),
        (
            CLINIC.replace("table", "tabel"),
            "pyproject.toml: [tool.redl.datasets.clinic] does not know tabel; did you mean table? use one of "
            "images, table, crop, positive, subject, columns, npz",
        ),
        (
            CLINIC + "positive = 3\n",
            "pyproject.toml: [tool.redl.datasets.clinic]: positive must be a string or a list of strings",
        ),
        (
            "[tool.redl.datasets.clinic]\nnpz = 3\n",
            "pyproject.toml: [tool.redl.datasets.clinic] needs npz, as a string, and nothing else",
        ),
        (
            "[tool.redl.datasets]\nclinic = 3\n",
            "pyproject.toml: [tool.redl.datasets.clinic] must be a table; it needs images and table, or npz",
        ),
    ],
)
def test_a_table_of_another_shape_is_refused(declared, text, expected):
    assert expected == refusal(declared, text)


@pytest.mark.parametrize("content", [b"[tool.redl\n", b"name = '\xff'\n"])
def test_a_file_that_is_not_toml_is_refused(tmp_path, content):
    path = tmp_path / "pyproject.toml"
    path.write_bytes(content)
    with pytest.raises(OptionError, match=r"^pyproject\.toml: not TOML \(.+\); correct it$"):
        declared_in(path)


def test_two_places_declare_together(declared):
    both = declared(CLINIC) + declared(NET)
    assert (["clinic"], ["net"]) == ([one.name for one in both.folders], [one.name for one in both.models])


def test_a_name_that_two_places_declare_is_refused(declared):
    with pytest.raises(OptionError, match=r"^model net is declared twice; rename one$"):
        declared(NET) + declared(NET)
