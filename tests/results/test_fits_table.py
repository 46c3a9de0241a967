"""The table of fits, and the sentence that ends a search."""

import pytest

from redl.execution.largest_batch import MOST_TRIALS
from redl.record.budget import Cap, Fit
from redl.results.fits_table import figures_of, fits_table, sentence
from tests.helpers.budgets import GB, fit, probe
from tests.helpers.changes import replace


def table(*fits, batch_size=32, judged=lambda *_: "not judged"):
    return fits_table(list(fits), batch_size=batch_size, width=160, judged=judged)


def test_a_row_says_what_fits_and_what_it_takes():
    found = fit(found=probe(3_500_000_000, process_bytes=3_900_000_000))
    assert ("8", "32 by micro8", "3500", "3900", "250", "-") == figures_of(found, 32)
    assert "densenet" in table(found)
    assert "4GB" in table(found)


def test_a_batch_that_fits_whole_needs_no_pieces():
    assert "32" == figures_of(fit(40, 41), 32)[1]


def test_batch_norm_makes_pieces_another_training():
    assert "32 by micro8†" == figures_of(fit(found=probe(batch_norm=True)), 32)[1]


def test_a_search_that_ended_at_its_most_says_so():
    assert "64=" == figures_of(fit(64, None), 32)[0]


def cut_short(batch_size, refused):
    """Return a fit whose search took all of its trials and proved nothing."""
    found = fit(batch_size, refused)
    return replace(found, trials=(found.trials[0],) * (MOST_TRIALS - len(found.trials)) + found.trials)


@pytest.mark.parametrize("refused", [None, 80])
def test_a_search_whose_trials_were_used_up_says_that_more_may_fit(refused):
    assert "> 64" == figures_of(cut_short(64, refused), 32)[0]
    assert "> its trials were used up" in table(cut_short(64, refused))


def test_a_search_that_proves_its_batch_by_the_last_trial_says_no_more():
    assert "64" == figures_of(cut_short(64, 65), 32)[0]


def test_a_process_above_the_cap_is_marked():
    assert "> 4100" == figures_of(fit(found=probe(process_bytes=4_100_000_000)), 32)[3]


def test_what_does_not_fit_has_no_figure():
    assert ("below 2", "-", "-", "-", "-", "-") == figures_of(fit(None, 2), 32)


def test_small_times_are_not_zero_and_large_ones_have_no_exponent():
    assert "0.5" == figures_of(fit(4000, 4001), 32)[4]
    assert "1000" == figures_of(fit(2, 3), 32)[4]


def test_an_emulated_card_is_named():
    found = table(fit(held=Cap.PROCESS, emulated_on="NVIDIA H100"))
    assert "emulated on NVIDIA H100, held to the cap; no card of that size ran" in found
    assert "all that the driver counts" in found


def test_a_verdict_stands_beside_its_setting():
    assert "rsna -0.001 non-inferior" in table(
        fit(), judged=lambda model, setting: "rsna -0.001 non-inferior"
    )


def test_the_sentence_names_the_setting_with_the_largest_batch_and_what_the_baseline_needs():
    fits = [fit(8, 9), fit(48, 49, setting="half+8bit+ckpt")]
    said = sentence("vit", fits, {48: 9.1 * GB}.get)
    assert said.startswith("vit trains in 4GB at batch 48 with half+8bit+ckpt; ")
    assert said.endswith("; with the baseline it needs about 9.1 GB, by a line through its trials.")


@pytest.mark.parametrize(
    ("fits", "said"),
    [
        ([fit(None, 2)], "vit does not train within this budget with any of the settings that were tried."),
        ([fit(8, 9)], "vit trains in 4GB at batch 8 with baseline."),
        ([cut_short(64, 80)], "vit trains in 4GB at batch 64 or more with baseline."),
        ([fit(64, None, setting="amp")], "vit trains in 4GB at batch 64 or more with amp."),
    ],
)
def test_the_sentence_says_no_more_than_was_found(fits, said):
    assert said == sentence("vit", fits, lambda _: None)


def test_a_fit_is_strict_json_and_proven_only_by_one_image_more():
    found = fit()
    assert found == Fit.from_json(found.to_json())
    assert found.is_proven
    assert not fit(8, 10).is_proven
    assert not fit(8, None).is_proven
