"""Progress of a command in a plain log."""

from redl.cli.display import Progress
from tests.helpers.sensors import FakeClock


def test_a_log_has_a_line_every_10_seconds_and_one_at_the_end(capsys):
    clock = FakeClock()
    with Progress(clock) as progress:
        count = progress.counting("rsna: writing the phantom")
        for done in range(1, 101):
            clock.advance(0.5)
            count(done, 100)
    lines = capsys.readouterr().err.splitlines()
    expected = ["20/100, 40 s left", "40/100, 30 s left", "60/100, 20 s left", "80/100, 10 s left", "100/100"]
    assert [f"rsna: writing the phantom  {line}" for line in expected] == lines


def test_each_step_has_its_own_pace(capsys):
    clock = FakeClock()
    with Progress(clock) as progress:
        first = progress.counting("first")
        clock.advance(11)
        second = progress.counting("second")
        first(1, 3)
        second(1, 3)
    assert "first  1/3\n" == capsys.readouterr().err
