"""pylidc is imported without a home, a warning or a word."""

import os
import subprocess
import sys

READ = """
import sys
from tests.helpers.pylidclibrary import import_pylidc
pylidc = import_pylidc()
print(pylidc._session.get(pylidc.Scan, 1).id)
print([name for name in ("matplotlib", "skimage", "pkg_resources") if name in sys.modules])
"""


def test_a_new_process_reads_with_no_warning_and_leaves_the_home_empty(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG", "MPL"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ],
        env=kept | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("", "1\n[]\n") == (done.stderr, done.stdout)
    assert [] == list(tmp_path.iterdir())
