"""A bar that fills, for people; a log or a pipe never sees it."""

import sys

_BAR_CHARS = 30


def show_progress(ended: int, total: int, failed: int) -> None:
    """Draws the bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        return
    filled = "#" * (_BAR_CHARS * ended // max(total, 1))
    text = f"\r[{filled:<{_BAR_CHARS}}] {ended}/{total}, {failed} failed"
    print(text, end="\n" if ended == total else "", file=sys.stderr, flush=True)
