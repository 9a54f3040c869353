"""`make lint-style`: no word of tools/words.toml stands in more places than tools/words_baseline.txt has for its file.

python -m tools.lint_words            lists each place beyond the baseline; ends with 1 if there is one
python -m tools.lint_words --all      lists every place
python -m tools.lint_words --shrink   lowers the baseline to what is there; never raises it
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS = ROOT / "tools" / "words.toml"
BASELINE = ROOT / "tools" / "words_baseline.txt"
_KINDS = (".py", ".md", ".yaml", ".toml", ".js", ".html", ".json", "Makefile")
# The list itself, locks, and the vendors' own texts in other languages.
_LEFT_OUT = ("tools/words", "tools/lint_words.py", "tests/tools/test_lint_words.py", "package-lock.json", "LICENSE")


@dataclass(frozen=True)
class Word:
    """A word to replace: where it stands, where it may, and what to write instead."""

    name: str
    use: str
    pattern: re.Pattern[str]
    kept: re.Pattern[str] | None

    def places(self, text: str) -> Iterator[int]:
        """Yield the numbers of the lines that hold it, once per occurrence."""
        for number, line in enumerate(text.splitlines(), 1):
            if self.pattern.search(line):
                rest = self.kept.sub("", line) if self.kept else line
                yield from (number for _ in self.pattern.finditer(rest))


def words() -> list[Word]:
    """Read the list."""
    listed = tomllib.loads(WORDS.read_text("utf-8"))["words"]
    return [_word(name, **entry) for name, entry in listed.items()]


def _word(name: str, use: str, **more: str | list[str]) -> Word:
    inside, kept = more.get("in", name), more.get("not", [])
    either = re.compile(f"(?:{'|'.join(kept)})", re.IGNORECASE) if kept else None
    flags = re.NOFLAG if re.search("[A-Z]", str(inside)) else re.IGNORECASE
    return Word(name, use, re.compile(f"(?<![A-Za-z])(?:{inside})(?![A-Za-z])", flags), either)


def checked_files() -> list[str]:
    """Return the repository's own text files, as git names them."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.splitlines() if name.endswith(_KINDS) and not any(out in name for out in _LEFT_OUT)]


def found_in(text: str, listed: list[Word]) -> list[tuple[int, Word]]:
    """Return each line number with a word that stands there."""
    return sorted(((number, word) for word in listed for number in word.places(text)), key=lambda place: place[0])


def main(arguments: list[str]) -> int:
    """Return 0 if no file has more than its baseline."""
    lines = BASELINE.read_text("utf-8").splitlines() if BASELINE.is_file() else []
    allowed = {name: int(count) for count, name in (line.split(" ", 1) for line in lines)}
    listed, over, left = words(), 0, {}
    for name in checked_files():
        found = found_in((ROOT / name).read_text("utf-8"), listed)
        left[name] = min(len(found), allowed.get(name, 0))
        if len(found) > (0 if "--all" in arguments else allowed.get(name, 0)):
            over += len(found) - allowed.get(name, 0)
            print("\n".join(f"{name}:{number}: {word.name}: write {word.use}" for number, word in found))
    if "--shrink" in arguments:
        BASELINE.write_text("".join(f"{count} {name}\n" for name, count in sorted(left.items()) if count), "utf-8")
    print(
        f"words: {sum(left.values())} left in {sum(map(bool, left.values()))} files of the baseline, {over} beyond it"
    )
    return 1 if over > 0 and "--all" not in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
