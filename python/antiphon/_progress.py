"""How far a batch is, on stderr: tqdm's bar where that is installed, else one like it.

On what is no terminal ours is one line, at the end.
"""

import sys
from contextlib import suppress
from shutil import get_terminal_size
from time import monotonic

#: Seconds between two pictures of the bar.
INTERVAL = 0.1


def progress(description, total):
    """A bar with `update` and `close`. None that cannot be drawn, because its terminal is gone, raises."""
    if sys.stderr is None:
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return Bar(description, total)
    return Tqdm(tqdm(desc=description, total=total))


class Tqdm:
    """tqdm's bar."""

    def __init__(self, bar):
        self.bar = bar

    def update(self, count):
        with suppress(Exception):
            self.bar.update(count)

    def close(self):
        with suppress(Exception):
            self.bar.close()


class Bar:
    """A line of text that is drawn over itself."""

    def __init__(self, description, total):
        self.title = f"{description}: " if description else ""
        self.total = total
        self.done = 0
        self.started = monotonic()
        self.drawn = float("-inf")
        self.is_terminal = _is_terminal(sys.stderr)
        self.draw()

    def update(self, count):
        self.done += count
        self.draw()

    def close(self):
        _write(f"{self.opening()}{self.line()}\n")

    def draw(self):
        now = monotonic()
        if self.is_terminal and now - self.drawn >= INTERVAL:
            self.drawn = now
            _write(self.opening() + self.line())

    def opening(self):
        return "\r" if self.is_terminal else ""

    def line(self):
        elapsed = monotonic() - self.started
        left = f"{self.title}{100 * self.done // self.total:3}%|"
        counts = f"{self.done}/{self.total}"
        right = f"| {counts} [{_clock(elapsed)}<{self.remaining(elapsed)}, {self.rate(elapsed)}]"
        width = max(get_terminal_size().columns - 1 - len(left) - len(right), 3) if self.is_terminal else 10
        return left + _blocks(self.done / self.total, width) + right

    def remaining(self, elapsed):
        return _clock(elapsed / self.done * (self.total - self.done)) if self.done else "?"

    def rate(self, elapsed):
        if not self.done or not elapsed:
            return "?it/s"
        rate = self.done / elapsed
        return f"{rate:.2f}it/s" if rate >= 1 else f"{1 / rate:.2f}s/it"


def _blocks(fraction, width):
    """A bar with eighths of a block at its end."""
    eighths = int(fraction * width * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)


def _clock(seconds):
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def _is_terminal(file):
    try:
        return file.isatty()
    except (AttributeError, ValueError):
        return False


def _write(text):
    """A bar that cannot be shown, because stderr is closed or knows no blocks, hurts nobody."""
    file = sys.stderr
    try:
        encoding = file.encoding or "utf-8"
        file.write(text.encode(encoding, "replace").decode(encoding))
        file.flush()
    except (AttributeError, OSError, ValueError, LookupError):
        pass
