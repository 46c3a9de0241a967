"""A case from prepared phantom images to its record, in this process."""

import gc
import hashlib
import os

import msgspec
import pytest
import timm
import torch
from safetensors.torch import save_file

from redl.data.datasets import DataOptions, prepare_dataset
from redl.errors import ModelError, OptionError
from redl.execution.inference import repeat
from redl.execution.job import Job, RunOptions
from redl.execution.run import run
from redl.metering.assumptions import Assumptions
from redl.metering.meter import EnergyMeter
from redl.record import HERE, FastPath, Pretrained, Record, Status
from redl.study.case import Case, Dataset, Model, Setting
from redl.study.custom import CustomModel, CustomSetting
from redl.study.profile import TINY, Pretraining
from redl.training.settings import TrainingSetup
from tests.helpers.changes import replace
from tests.helpers.hub import cut_off_hub

NOT_FIGURES = {
    "reason",
    "autocast_dtype",
    "micro_batch",
    "trained_part",
    "source",
    "sha256",
    "first_epoch",
    "reason_unavailable",
    "energy_wh_partial",  # of a total that is not whole
    "explanation",
    "scope",
    "country",
    "year",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_dataset(Dataset.RSNA, TINY, DataOptions(cache=tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def record_of(prepared):
    def record(setting, **changes):
        case = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=setting, seed=1, profile="tiny")
        return run(Job(case=case, prepared=prepared, options=RunOptions(profile=replace(TINY, **changes))))

    return record


@pytest.fixture(scope="module")
def baseline(record_of):
    return record_of(Setting.BASELINE, epochs=2, patience=2)


def test_a_case_completes(baseline):
    assert Status.COMPLETED is baseline.status


def test_the_same_seed_gives_the_identical_losses(baseline, record_of):
    def losses(record):
        return [(epoch.train_loss, epoch.valid_loss) for epoch in record.training.trace]

    assert losses(baseline) == losses(record_of(Setting.BASELINE, epochs=2, patience=2))


def test_a_record_is_strict_json(baseline):
    assert baseline == Record.from_json(baseline.to_json())


def test_activations_that_are_computed_again_change_no_loss(baseline, record_of):
    found = record_of("ckpt", epochs=2, patience=2)
    assert (True, None) == (found.recipe.recomputing, found.recipe.micro_batch)
    for one, other in zip(baseline.training.trace, found.training.trace, strict=True):
        assert (one.train_loss, one.valid_loss) == (other.train_loss, other.valid_loss)
    assert baseline.metrics == found.metrics


def test_pieces_of_a_batch_are_another_training_with_batch_norm_which_is_said(baseline, record_of):
    found = record_of("half+8bit+ckpt+micro4")
    assert (Status.COMPLETED, 4) == (found.status, found.recipe.micro_batch)
    (warning,) = (one for one in found.warnings if "batch norm" in one)
    assert warning.startswith("recipe: batch norm saw pieces of 4 images and not batches of 16")
    assert not any("batch norm" in one for one in baseline.warnings)


def test_a_part_that_alone_was_trained_is_recorded_with_its_rate(baseline, record_of):
    recipe = record_of("lion8bit+head").recipe
    assert ("head", 1025, "Lion8bit") == (recipe.trained_part, recipe.trained_parameters, recipe.optimizer)
    assert pytest.approx(2e-3) == recipe.learning_rate
    assert (None, 6_948_609) == (baseline.recipe.trained_part, baseline.recipe.trained_parameters)


def test_the_record_says_what_really_ran(baseline):
    recipe = baseline.recipe
    assert ("float32", None, "Adam") == (recipe.weights_dtype, recipe.autocast_dtype, recipe.optimizer)
    assert {"32": 6_948_609} == recipe.optimizer_state_bits
    assert ("densenet121", False, 32) == (recipe.network, recipe.reduced, recipe.input_size)
    assert {"epochs": 2, "patience": 2} == recipe.overrides
    assert FastPath(resident=True, channels_last=False, fused=False) == recipe.fast_path


def test_every_missing_figure_has_its_reason(baseline):
    def missing(value, path):
        if isinstance(value, dict):
            return [p for key, item in value.items() for p in missing(item, f"{path}.{key}".lstrip("."))]
        return [path] if value is None and path.rpartition(".")[2] not in NOT_FIGURES else []

    figures = {
        key: item for key, item in msgspec.to_builtins(baseline).items() if key not in ("environment", "case")
    }
    del figures["data"]["options"]  # there None says that nothing was chosen
    del figures["conditions"]  # which has reasons of its own
    del figures["placement"]  # whose only measured figure is that of a process, and there is none
    reasons = " ".join(baseline.warnings)
    for path in missing(figures, ""):
        section = path.split(".")[0]
        assert section in reasons, path


@pytest.mark.parametrize("phase", ["train", "inference"])
def test_the_conditions_of_a_phase_are_recorded_each_or_with_its_reason(baseline, phase):
    found = getattr(baseline.conditions, phase)
    reasons = " ".join(found.reasons)
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    assert [] == [name for name, value in fields.items() if value is None and name not in reasons]
    assert (len(os.sched_getaffinity(0)), 0.0, ()) == (found.processors, found.settled_s, found.gpus)


def test_seconds_add_up_over_the_epochs(baseline):
    seconds = [epoch.seconds for epoch in baseline.training.trace]
    assert sorted(seconds) == seconds
    assert seconds[-1] == baseline.training.seconds_to_stop
    assert seconds[baseline.training.best_epoch - 1] == baseline.training.seconds_to_best


def test_memory_holds_at_least_what_training_must(baseline):
    assert baseline.memory.train_peak_bytes > baseline.memory.predicted.total
    assert baseline.memory.inference_peak_bytes > baseline.memory.predicted.weights


def test_the_optimizer_is_gone_when_inference_is_measured(record_of, monkeypatch):
    left = []

    def look(work, **words):
        gc.collect()
        left.extend(one for one in gc.get_objects() if isinstance(one, torch.optim.Optimizer))
        return repeat(work, **words)

    monkeypatch.setattr("redl.execution.run.repeat", look)
    record_of(Setting.BASELINE)
    assert [] == left


def test_energy_is_an_estimate_that_says_so_or_measured(baseline):
    assert baseline.energy.train.energy_wh > 0
    assert baseline.energy.train.kind in ("measured", "estimated")


def test_all_test_images_are_inferred(baseline):
    assert (1, baseline.data.images.test) == (baseline.inference.passes, baseline.inference.images)


@pytest.mark.slow
def test_passes_are_repeated_for_the_profiles_window(record_of, baseline):
    window_s = 10 * baseline.inference.seconds  # of one pass, however busy the machine is
    inference = record_of(Setting.BASELINE, inference_window_s=window_s).inference
    assert inference.passes > 1
    assert window_s <= inference.seconds


def test_energy_is_reported_per_image_of_its_windows(baseline):
    for phase, images in (
        (baseline.energy.train, 2 * baseline.data.images.train),
        (baseline.energy.inference, baseline.inference.images),
    ):
        assert images == phase.images
        assert pytest.approx(phase.energy_wh / images) == phase.energy_wh_per_image


def test_the_energy_window_holds_what_the_clock_counts(baseline):
    assert baseline.training.seconds_to_stop <= baseline.energy.train.duration_s
    assert baseline.inference.seconds <= baseline.energy.inference.duration_s


def test_a_single_image_is_timed_by_itself(baseline):
    latency = baseline.inference.latency
    assert TINY.latency_passes == latency.passes
    assert 0 < latency.median_seconds <= latency.p95_seconds


@pytest.mark.slow
def test_what_the_user_states_about_grid_site_and_processor_is_applied(prepared):
    case = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=Setting.BASELINE, seed=1, profile="tiny")
    said = Assumptions(g_per_kwh=100.0, pue=1.5, cpu_tdp_w=65.0)
    options = RunOptions(profile=TINY, assumptions=said, settle_s=0.5)
    record = run(Job(case=case, prepared=prepared, options=options))
    energy = record.energy.train
    assert (0.5, 0.5) == (record.conditions.train.settled_s, record.conditions.inference.settled_s)
    assert (1.5, 100.0) == (energy.pue.value, energy.carbon_intensity.g_per_kwh)
    assert pytest.approx(1.5 * energy.components[0].energy_wh) == energy.energy_wh
    assert pytest.approx(energy.energy_wh / 10) == energy.co2eq_g


@pytest.mark.slow
def test_the_meters_of_both_phases_know_what_else_runs_on_the_node(prepared, monkeypatch):
    seen = []

    class Noting(EnergyMeter):
        def __init__(self, *of, placement, **words):
            seen.append(placement)
            super().__init__(*of, placement=placement, **words)

    monkeypatch.setattr("redl.execution.approach.EnergyMeter", Noting)
    case = Case(dataset=Dataset.RSNA, model=Model.MLP, setting=Setting.BASELINE, seed=1, profile="tiny")
    beside = replace(HERE, engine="workers", neighbours=1)
    record = run(Job(case=case, prepared=prepared, options=RunOptions(profile=TINY), placement=beside))
    assert [beside, beside] == seen
    assert beside == record.placement


def test_half_weights_with_8_bit_adam_state_their_formats(record_of):
    recipe = record_of(Setting.HALF_EIGHT_BIT).recipe
    assert "bfloat16" == recipe.weights_dtype
    assert "Adam8bit" == recipe.optimizer
    assert 6_948_609 == sum(recipe.optimizer_state_bits.values())


@pytest.mark.slow
@pytest.mark.parametrize("setting", [Setting.BASELINE, Setting.HALF_EIGHT_BIT])
def test_weights_from_a_file_are_recorded_with_their_checksum(prepared, tmp_path, setting):
    file = tmp_path / "densenet121.safetensors"
    save_file(timm.create_model("densenet121").state_dict(), file)
    case = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=setting, seed=1, profile="tiny")
    profile = replace(TINY, pretraining=Pretraining.REQUIRE)
    record = run(Job(case=case, prepared=prepared, options=RunOptions(profile=profile, weights=tmp_path)))
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    expected = Pretrained(requested=True, loaded=True, source="densenet121.safetensors", sha256=sha256)
    assert expected == record.recipe.pretrained
    assert not any("pretrained" in warning for warning in record.warnings)


@pytest.mark.slow
def test_training_from_scratch_where_weights_were_tried_for_is_warned_of(prepared, monkeypatch):
    cut_off_hub(monkeypatch)
    case = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=Setting.BASELINE, seed=1, profile="tiny")
    record = run(
        Job(
            case=case,
            prepared=prepared,
            options=RunOptions(profile=replace(TINY, pretraining=Pretraining.TRY)),
        )
    )
    assert any(
        "recipe: no pretrained weights of densenet121 could be loaded" in warning
        for warning in record.warnings
    )


@pytest.mark.slow
@pytest.mark.parametrize("model", [Model.SWIN, Model.VIT, Model.EFFICIENTNET, Model.MLP])
@pytest.mark.parametrize("setting", [Setting.BASELINE, Setting.HALF_EIGHT_BIT, Setting.STABLE])
def test_every_family_runs_reduced_and_says_so(prepared, model, setting):
    case = Case(dataset=Dataset.RSNA, model=model, setting=setting, seed=1, profile="tiny")
    record = run(Job(case=case, prepared=prepared, options=RunOptions(profile=TINY)))
    assert (Status.COMPLETED, True) == (record.status, record.recipe.reduced)
    assert sum(record.recipe.optimizer_state_bits.values()) == record.parameters
    assert record == Record.from_json(record.to_json())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "input_size"),
    [(Model.DENSENET, 32), (Model.VIT, 32)],
)
def test_a_downsampled_case_says_what_its_network_was_given(prepared, model, input_size):
    case = Case(dataset="rsna", model=model, setting="baseline", seed=1, downsample=4, profile="tiny")
    record = run(Job(case=case, prepared=prepared, options=RunOptions(profile=TINY)))
    assert (32, input_size) == (record.recipe.image_size, record.recipe.input_size)
    assert record.case.id.endswith("-down4")


def tiny_net(image_size):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(image_size**2, 1))


def no_net(image_size):
    return image_size


def frozen_with_sgd(device):
    def change(model):
        model.features.conv0.weight.requires_grad = False
        return model

    return TrainingSetup(
        optimizer=lambda model, rate: torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9),
        change=change,
    )


def own_case(prepared, custom_model=None, custom_setting=None):
    model = custom_model.name if custom_model else "densenet"
    setting = custom_setting.name if custom_setting else "baseline"
    case = Case(dataset="rsna", model=model, setting=setting, seed=1, profile="tiny")
    return Job(
        case=case,
        prepared=prepared,
        options=RunOptions(
            profile=TINY,
            custom_models={custom_model.name: custom_model} if custom_model else {},
            custom_settings={custom_setting.name: custom_setting} if custom_setting else {},
        ),
    )


def test_a_custom_network_is_trained(prepared):
    record = run(own_case(prepared, CustomModel(name="mine", build=tiny_net)))
    assert (32 * 32 + 1, "mine", False) == (record.parameters, record.recipe.network, record.recipe.reduced)


@pytest.mark.slow
def test_a_network_of_timms_is_trained(prepared):
    record = run(own_case(prepared, CustomModel(name="small", timm="resnet10t")))
    assert ("resnet10t", Status.COMPLETED) == (record.recipe.network, record.status)


def test_a_function_that_builds_no_module_is_refused(prepared):
    with pytest.raises(ModelError, match=r"model mine: no_net returned no torch\.nn\.Module"):
        run(own_case(prepared, CustomModel(name="mine", build=no_net)))


@pytest.mark.slow
def test_a_custom_setting_changes_optimizer_and_model(prepared):
    record = run(own_case(prepared, custom_setting=CustomSetting(name="sgd", configure=frozen_with_sgd)))
    assert "SGD" == record.recipe.optimizer
    assert (6_948_609, 6_948_609 - 64 * 49) == (record.parameters, record.recipe.trained_parameters)
    assert record.memory.predicted.optimizer_state is None
    assert any("memory.predicted" in warning for warning in record.warnings)


def test_a_function_that_returns_no_training_setup_is_refused(prepared):
    with pytest.raises(OptionError, match="setting mine: no_net returned no TrainingSetup"):
        run(own_case(prepared, custom_setting=CustomSetting(name="mine", configure=no_net)))


@pytest.mark.slow
def test_running_leaves_the_stock_kernels(record_of):
    record_of(Setting.AMP)
    image = torch.ones(1, 1, 3, 3)
    assert 9.0 == torch.nn.functional.conv2d(image, image).item()
