"""What no case could be trained with is refused in one line, before any case runs."""

import pytest

TRAINS = "def test_training(redl_case_process): redl_case_process.finish()"
CHOSEN = ("--redl-profile=tiny", "-k", "rsna and baseline", "-q")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--redl-model=resnet500"], "*resnet500*did you mean*resnet50*"),
        pytest.param(
            ["--redl-model=vit", "--redl-model=resnet18", "--redl-batch-size=1"],
            "*resnet18*batch norm*--redl-batch-size*",
        ),
        pytest.param(
            ["--redl-model=inception_v3"],
            "*inception_v3*32 pixels*--redl-image-size*",
        ),
    ],
)
def test_a_model_that_cannot_be_trained_is_one_line(pytester, options, message):
    pytester.makepyfile(TRAINS)
    result = pytester.runpytest_subprocess(*options, *CHOSEN, f"--redl-cache={pytester.path / 'cache'}")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not pytester.path.joinpath("cache").exists()


def test_collecting_alone_tries_no_model(pytester):
    pytester.makepyfile(TRAINS)
    result = pytester.runpytest_subprocess("--redl-model=resnet500", "--collect-only", *CHOSEN)
    assert pytest.ExitCode.OK == result.ret
