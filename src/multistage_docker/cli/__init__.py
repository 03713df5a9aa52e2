"""The doors: each command's options are parsed, wired to a use case and its result rendered. No decisions."""

import os
import signal
import sys
from typing import NoReturn

# These commands run as root inside images whose every byte counts: they must not leave __pycache__ behind.
sys.dont_write_bytecode = True

_INTERRUPTED = 130
_COMMAND = os.path.basename(sys.argv[0]) if sys.argv else ""


def _leave(*_: object) -> NoReturn:
    os.write(2, f"{_COMMAND}: interrupted\n".encode())
    os._exit(_INTERRUPTED)


if (
    _COMMAND in ("find-libdeps", "apt-install")
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    # Until all modules are imported nobody catches KeyboardInterrupt; nothing has been begun by then either.
    signal.signal(signal.SIGINT, _leave)
