"""The machine's name, also where the kernel names no processor."""

from redl.metering import machine


def test_a_board_is_named_by_its_device_tree(monkeypatch, tmp_path):
    tree = tmp_path / "model"
    tree.write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")
    monkeypatch.setattr(machine, "_BOARD", tree)
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "absent")
    assert "Raspberry Pi 5 Model B Rev 1.0" == machine.machine()["cpu"]


def test_a_processor_that_the_kernel_names_comes_first(monkeypatch, tmp_path):
    for name, text in (("model", "a board\0"), ("cpuinfo", "processor\t: 0\nmodel name\t: AMD EPYC\n")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(machine, "_BOARD", tmp_path / "model")
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
    assert "AMD EPYC" == machine.machine()["cpu"]


def test_without_either_nothing_is_made_up(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_BOARD", tmp_path / "absent")
    assert machine.board_model() is None
