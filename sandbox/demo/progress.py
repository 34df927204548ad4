"""Say what the run is doing while it does it, with the time that each step took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Prints one line when a step begins and its time when it is done."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is being done, and how long it took."""
        began = time.monotonic()
        print(f"  {what} ...", end="", flush=True)
        try:
            yield
        except BaseException:
            print(" failed", flush=True)
            raise
        print(f" {time.monotonic() - began:.1f} s", flush=True)

    def say(self, text: str) -> None:
        """Print a line of its own."""
        print(text, flush=True)

    def elapsed_s(self) -> float:
        """Give the seconds since the run began."""
        return time.monotonic() - self._began
