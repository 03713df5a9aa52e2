"""The doors: each command's options are parsed, wired to a use case and its result rendered. No decisions."""

import sys

# These commands run as root inside images whose every byte counts: they must not leave __pycache__ behind.
sys.dont_write_bytecode = True
