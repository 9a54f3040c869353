"""A progress bar and messages beside it. The bar is drawn on a terminal only."""

import sys

_BAR_CHARS = 30
_CLEAR_LINE = "\r\x1b[K"


def show_progress(ended: int, total: int, failed: int) -> None:
    """Draws the bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        return
    filled = "#" * (_BAR_CHARS * ended // max(total, 1))
    text = f"\r[{filled:<{_BAR_CHARS}}] {ended}/{total}, {failed} failed"
    print(text, end="\n" if ended == total else "", file=sys.stderr, flush=True)


def tell(message: str) -> None:
    """Prints a line on stderr, in place of the bar, which the next call of `show_progress` draws again."""
    print(f"{_CLEAR_LINE if sys.stderr.isatty() else ''}cutline: {message}", file=sys.stderr)
