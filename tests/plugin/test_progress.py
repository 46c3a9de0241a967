"""Progress: one live line on a terminal, plain lines elsewhere, nothing when quiet."""

from contextlib import nullcontext
from types import SimpleNamespace

from redl.fleet.events import Told
from redl.fleet.fleet import Tally
from redl.plugin.progress import Progress
from redl.record import Epoch
from redl.study.profile import SMOKE
from tests.helpers.sensors import FakeClock


class Screen:
    """Stand in for pytest's configuration, and keep what is written."""

    def __init__(self, *, terminal, verbosity=0):
        self.text = ""
        reporter = SimpleNamespace(isatty=terminal, _tw=self, ensure_newline=lambda: self.write("\n"))
        capture = SimpleNamespace(global_and_fixture_disabled=nullcontext)
        plugins = {"terminalreporter": reporter, "capturemanager": capture}
        self.pluginmanager = SimpleNamespace(get_plugin=plugins.get)
        self.get_verbosity = lambda: verbosity

    def write(self, text, flush=False):
        self.text += text


def epoch(number, loss=0.25):
    return Epoch(epoch=number, train_loss=loss, valid_loss=0.5, valid_accuracy=0.75, seconds=10.0 * number)


def trained(screen, epochs=3, loss=0.25):
    show = Progress(screen).epochs("a-case", SMOKE)
    for number in range(1, epochs + 1):
        show(epoch(number, loss))
    return screen.text


def test_elsewhere_each_epoch_is_a_line_with_loss_accuracy_and_time_left():
    lines = trained(Screen(terminal=False)).split("\n\n")
    expected = "a-case  epoch 1/3  loss 0.250  valid accuracy 0.750  10 s, at most 20 s left"
    assert expected == lines[0].strip()


def test_on_a_terminal_the_line_is_redrawn_and_ends_with_the_last_epoch():
    text = trained(Screen(terminal=True))
    assert 3 == text.count("\r\x1b[2K")
    assert ["", text[1:-1], ""] == text.split("\n")


def test_a_quiet_run_shows_nothing():
    assert "" == trained(Screen(terminal=False, verbosity=-1))


def test_a_lost_loss_is_told():
    assert "loss not finite" in trained(Screen(terminal=False), epochs=1, loss=None)


def counted(screen, *, seconds):
    """Return what is shown while 100 items take `seconds` each."""
    clock = FakeClock()
    count = Progress(screen, clock).counting("reading")
    for done in range(1, 101):
        clock.advance(seconds)
        count(done, 100)
    return screen.text


def test_counting_elsewhere_is_a_line_every_10_seconds_and_one_at_the_end():
    lines = counted(Screen(terminal=False), seconds=0.5).split("\n\n")
    expected = ["20/100, 40 s left", "40/100, 30 s left", "60/100, 20 s left", "80/100, 10 s left", "100/100"]
    assert [f"reading  {line}" for line in expected] == [line.strip() for line in lines]


def test_counting_what_takes_no_time_elsewhere_is_one_line():
    assert "reading  100/100" == counted(Screen(terminal=False), seconds=0.001).strip()


def test_counting_on_a_terminal_is_redrawn_now_and_then():
    assert 30 < counted(Screen(terminal=True), seconds=0.1).count("\r") < 60


def test_counting_in_a_quiet_run_shows_nothing():
    assert "" == counted(Screen(terminal=False, verbosity=-1), seconds=1)


def test_what_one_of_several_cases_tells_is_shown_with_how_far_all_are():
    screen = Screen(terminal=False)
    progress = Progress(screen)
    progress.told(Told(case="vit-amp", epoch=epoch(3)), Tally(ended=1, running=2, total=8))
    progress.told(Told(case="vit-8bit", epoch=None), Tally(ended=1, running=2, total=8))
    assert [
        "vit-amp  epoch 3  loss 0.250  valid accuracy 0.750  (1 of 8 done, 2 running)",
        "vit-8bit: waits for its GPU, where another run's case computes",
    ] == [line for line in screen.text.splitlines() if line]
