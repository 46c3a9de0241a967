"""The example of pruning: channels are really removed, and nothing but them."""

import copy
import shutil
from pathlib import Path

import pytest
import timm
import torch

from redl.errors import ModelError
from redl.results.store import load_run
from redl.study.custom import Function

EXAMPLE = Path(__file__).parents[2] / "examples" / "pruning"
SUITE = Path(__file__).parents[2] / "benchmarks"
IMAGES = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def the(name):
    return Function(file=EXAMPLE / "pruning.py", name=name)


def densenet():
    torch.manual_seed(0)
    model = timm.create_model(
        "densenet121", in_chans=1, num_classes=1, growth_rate=8, block_config=(2, 3)
    ).eval()
    for module in model.modules():  # as after training, where no two channels are alike
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
    return model


def layers(model):
    return [module for module in model.modules() if the("is_dense_layer")(module)]


def trained_rows(run):
    """Return the rows of what training found, as the example's page has them."""
    for record in run.records.values():
        yield (
            f"| `{record.case.setting}` | {record.parameters / 1e6:.1f} | {record.metrics.test.accuracy:.3f} "
            f"| {record.memory.train_peak_bytes / 1e6:.0f} "
            f"| {record.training.seconds_to_stop:.1f}{'!' * record.under_load()} |"
        )


def deployed_rows(run):
    """Return the rows of what runtimes found, as pages have them."""
    for one in run.deployments:
        loaded = "!" * bool(one.conditions.foreign_load)
        yield (
            f"| `{run.records[one.case].case.setting}` | {one.runtime} "
            f"| {1000 * one.single.p50_seconds:.2f}{loaded} "
            f"| {1000 * one.single.cpu_seconds_per_image:.2f}{loaded} "
            f"| {one.batches.images_per_second:.0f}{loaded} "
            f"| {one.process.peak_bytes / 1e6:.0f} | {one.file.bytes / 1e6:.1f} "
            f"| {one.agreement.max_abs_dp:.1g} | {one.agreement.flips}/{len(one.answers.labels)} |"
        )


def test_the_pages_show_what_the_run_beside_them_found():
    run = load_run(EXAMPLE / "run.json")
    page = (EXAMPLE / "README.md").read_text()
    assert [] == [row for row in (*trained_rows(run), *deployed_rows(run)) if row not in page]
    guide = (SUITE.parent / "docs" / "how-to" / "deploy.md").read_text()
    assert [] == [row for row in deployed_rows(run) if "`baseline`" in row and row not in guide]


def test_what_is_left_answers_as_the_whole_network_without_the_removed_channels():
    model = densenet()
    silenced, strongest = copy.deepcopy(model), the("strongest")
    for layer in layers(silenced):
        removed = sorted(set(range(layer.conv2.in_channels)) - set(strongest(layer).tolist()))
        with torch.no_grad():
            layer.conv2.weight[:, removed] = 0
    with torch.inference_mode():
        expected, whole, found = silenced(IMAGES), model(IMAGES), the("prune")(model)(IMAGES)
    assert torch.allclose(expected, found, atol=1e-6)
    assert not torch.allclose(whole, found, atol=1e-3)


def test_half_of_the_inner_channels_are_gone():
    whole, pruned = densenet(), the("prune")(densenet())
    for before, after in zip(layers(whole), layers(pruned), strict=True):
        half = before.conv1.out_channels // 2
        assert (half, half) == (after.conv1.out_channels, after.conv2.in_channels)
        assert half == len(after.conv1.weight) == after.conv2.weight.shape[1] == len(after.norm2.running_var)
    counts = [sum(p.numel() for p in model.parameters()) for model in (pruned, whole)]
    assert counts[0] < 0.75 * counts[1]


def test_the_channels_that_are_kept_have_the_largest_weights():
    layer = layers(densenet())[0]
    with torch.no_grad():
        layer.conv2.weight[:, 5] *= 1000
        layer.conv2.weight[:, 6] = 0
    kept = the("strongest")(layer).tolist()
    assert (True, False) == (5 in kept, 6 in kept)
    assert sorted(kept) == kept


def test_what_is_left_can_be_trained():
    model = the("prune")(densenet()).train()
    model(IMAGES).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())


def test_the_shape_does_not_depend_on_the_weights():
    one, other = the("prune")(densenet()), densenet()
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter)
    the("prune")(other).load_state_dict(one.state_dict())
    with torch.inference_mode():
        assert torch.equal(one.eval()(IMAGES), other.eval()(IMAGES))


def test_another_network_is_refused_in_one_line():
    with pytest.raises(ModelError, match=r"^pruned: only layers of a DenseNet can be pruned; "):
        the("prune")(torch.nn.Linear(2, 2))


@pytest.mark.slow
def test_a_pruned_network_trains_under_the_suite_and_is_deployed(pytester, tmp_path_factory):
    pytest.importorskip("onnxruntime")
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    cache = tmp_path_factory.getbasetemp() / "example-cache"
    result = pytester.runpytest_subprocess(
        *(str(SUITE / f"test_{name}.py") for name in ("training", "deployment")),
        f"--rootdir={pytester.path}",
        f"--redl-cache={cache}",
        *(
            "-p",
            "no:cacheprovider",
            "--redl-profile=tiny",
            "--redl-deploy=pruned",
            "--benchmark-json=run.json",
        ),
        *("-k", "rsna and densenet and pruned and (training or onnx)"),
        timeout=300,
    )
    result.assert_outcomes(passed=4)  # training, inference, and two runtimes
    run = load_run(pytester.path / "run.json")
    assert run.records["rsna-densenet-pruned-seed1"].parameters < 4_000_000
    assert ["onnx", "onnx-int8"] == [one.runtime for one in run.deployments]
    assert run.deployments[0].reference == pytest.approx(run.deployments[0].answers.probabilities, abs=1e-4)
