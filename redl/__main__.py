"""`python -m redl` is the command `redl`."""

import sys

from redl.cli import main

sys.exit(main())
