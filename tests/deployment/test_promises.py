"""What the suite asserts of a deployment: each of its promises can be broken."""

import pytest

from benchmarks.test_deployment import comparable, problems_of, problems_of_densenet
from redl.record.deployment import Agreement
from tests.helpers.changes import replace
from tests.helpers.deployments import deployment


def of_process(runtime="onnx", **changes):
    return deployment(runtime, process=replace(deployment().process, **changes))


def taking(runtime, cpu_seconds):
    single = replace(deployment().single, cpu_seconds_per_image=cpu_seconds)
    return deployment(runtime, single=single)


def of_bytes(runtime, count):
    return deployment(runtime, file=replace(deployment().file, bytes=count))


@pytest.mark.parametrize(
    "found",
    [
        deployment("onnx"),
        of_process("torch", torch_loaded=True),
        deployment("onnx-int8", lost=(0,)),
        deployment("onnx", agreement=None, agreement_reason="no better than chance"),
    ],
)
def test_what_is_as_promised_has_no_problem(found):
    assert [] == list(problems_of(found))


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (of_process("onnx", torch_loaded=True), "torch in the process of onnx: True"),
        (of_process("torch", torch_loaded=False), "torch in the process of torch: False"),
        (
            deployment("onnx", agreement=Agreement(max_abs_dp=2e-4, flips=0)),
            "max |dp| 0.0002 is above 0.0001",
        ),
        (deployment("onnx", agreement=Agreement(max_abs_dp=0.0, flips=1)), "1 flips in float32"),
    ],
)
def test_a_broken_promise_of_any_network_is_a_problem(found, problem):
    assert [problem] == list(problems_of(found))


@pytest.mark.parametrize(
    ("found", "beside", "problem"),
    [
        (of_process(peak_bytes=201_000_000), {}, "the whole process takes 201 MB"),
        (
            taking("onnx", 0.004),
            {"torch": taking("torch", 0.01)},
            "torch takes only 2.50 times its processor time",
        ),
        (
            of_bytes("onnx-int8", 36),
            {"onnx": of_bytes("onnx", 100)},
            "the int8 file is 0.36 of the float32 one",
        ),
    ],
)
def test_a_broken_promise_of_densenet_is_a_problem(found, beside, problem):
    assert [problem] == list(problems_of_densenet(found, beside))


@pytest.mark.parametrize(
    ("found", "beside"),
    [
        (of_process(peak_bytes=200_000_000), {}),
        (of_process(peak_bytes=None), {}),
        (taking("onnx", 0.004), {"torch": taking("torch", 0.0121)}),
        (of_bytes("onnx-int8", 35), {"onnx": of_bytes("onnx", 100)}),
        (of_bytes("onnx-int8", 36), {}),
    ],
)
def test_a_promise_of_densenet_that_is_kept_or_cannot_be_judged_is_none(found, beside):
    assert [] == list(problems_of_densenet(found, beside))


def test_only_runtimes_of_one_network_on_as_many_threads_are_compared():
    assert comparable(deployment("torch"), deployment("onnx"))
    assert not comparable(deployment("torch", 1), deployment("onnx", 2))
    assert not comparable(deployment("torch", threads=1), deployment("onnx", threads=2))
