"""Instructions: a processor that lacks those of a number format is said to."""

import pytest

from redl.deployment import instructions
from redl.deployment.instructions import lacking_instructions
from redl.deployment.runtime import Runtime

OLD = "processor : 0\nflags\t\t: fpu sse avx2\n"
NEW = "processor : 0\nflags\t\t: fpu sse avx2 avx512_vnni avx512_bf16\n"
ARM = "processor : 0\nFeatures\t: fp asimd asimddp bf16\n"


@pytest.fixture
def processor(monkeypatch, tmp_path):
    def is_(text):
        (tmp_path / "cpuinfo").write_text(text)
        monkeypatch.setattr(instructions, "_CPUINFO", tmp_path / "cpuinfo")

    return is_


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        (Runtime.TORCH_BF16, "no bfloat16 instructions"),
        (Runtime.ONNX_INT8, "VNNI"),
        (Runtime.ONNX_DYNAMIC, "VNNI"),
    ],
)
def test_an_old_processor_is_named(runtime, said, processor):
    processor(OLD)
    assert said in lacking_instructions(runtime)


@pytest.mark.parametrize("text", [NEW, ARM, "nothing is listed\n"])
@pytest.mark.parametrize("runtime", Runtime)
def test_nothing_is_said_of_one_that_has_them_or_lists_none(runtime, text, processor):
    processor(text)
    assert lacking_instructions(runtime) is None


@pytest.mark.parametrize("runtime", [Runtime.TORCH, Runtime.ONNX])
def test_float32_needs_none(runtime, processor):
    processor(OLD)
    assert lacking_instructions(runtime) is None


def test_nothing_is_said_where_the_system_tells_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(instructions, "_CPUINFO", tmp_path / "absent")
    assert lacking_instructions(Runtime.ONNX_INT8) is None
