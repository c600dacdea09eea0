"""A worker does not outlive its server."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def end_with_parent() -> None:
    """Ask the kernel to end this worker when the server process that started it dies, however it dies.

    Otherwise the workers of a killed server would hold its port and answer under a supervisor that no longer sees
    them. Linux only; does nothing in a process that is not a server's worker.
    """
    parent = multiprocessing.parent_process()
    if sys.platform != "linux" or parent is None:
        return
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent.pid:  # it died before we asked
        os._exit(1)
