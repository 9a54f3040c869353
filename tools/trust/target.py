"""What the targets of the fuzzer share: their bound, the texts that they draw, the list of the APIs."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from cutline.contracts.apis import APIS
from cutline.errors import MattingError

CONTRACTS = tuple(APIS.values())
LIMIT_S = 5.0


@dataclass(frozen=True)
class Target:
    """Something to fuzz: what checks an example, where examples come from, and how many the tests try."""

    check: Any
    strategies: Mapping[str, st.SearchStrategy[Any]]
    examples: int

    @property
    def name(self) -> str:
        return str(self.check.__name__)


@contextmanager
def bounded() -> Iterator[None]:
    """At most five seconds of CPU, and nothing raised but refusals."""
    begun = time.process_time()
    with suppress(MattingError):
        yield
    assert time.process_time() - begun < LIMIT_S


# Anything that JSON can carry, lone surrogates included, and words that lead deep into the readers.
ANY_TEXT = st.text(max_size=80)
_WORDS = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "1e999",
        "nan",
        "٣",
        "true",
        "null",
        "[]",
        "{}",
        "upload:u/x/" + "0" * 32,
        "data:image/png;base64,",
        "http://[::1]/",
        "http://127.0.0.1:0/",
        "#ffffff",
        "ffffff",
        "TRANSPARENT",
        "tops,pants",
        "\x00",
        "\r\n",
        "a" * 70_000,
    ]
)
TEXT = ANY_TEXT | _WORDS
