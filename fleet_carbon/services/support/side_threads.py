"""What a process does again and again beside its work, in a thread that ends with the block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def running_beside(name: str, run: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run in a thread while the block runs, and wait for its end.

    Parameters
    ----------
    name : str
        Of the thread.
    run : callable
        Returns soon after the event that it is given is set.
    """
    is_over = threading.Event()
    thread = threading.Thread(target=run, args=(is_over,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
