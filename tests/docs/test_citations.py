"""What comments and docstrings cite is there: pages by their names, sections of the specification by their numbers.

A section is cited as "contracts.md 3.5"; a bare number in brackets does not say which page is meant.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from devkit.patience import WAIT_S

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = ROOT / "docs" / "contracts.md"
_NUMBER = r"\d+(?:\.\d+)*"
_CITED = re.compile(rf"contracts\.md,?(?: sections?)? ({_NUMBER}(?:(?:, | and | to ){_NUMBER})*)")
_RFC = re.compile(rf"RFC \d+,?(?: section)?(?: {_NUMBER})?")
_BARE = re.compile(r"\(\d\.\d{1,2}(?:\.\d+)?\)|\b[Ss]ections? \d[\d.]*|\bdossier\b")
_PAGE = re.compile(r"[\w./-]*\w\.md\b")
# How a comment begins, by the file's ending or, where it has none, its name. A URL's slashes follow a colon.
_HASH, _SLASHES, _ASL = r"(?:^|\s)#+(.*)", r"(?:^|\s)//(.*)", r'"Comment": "(.*)"'
_COMMENTS = {
    **dict.fromkeys((".yaml", ".yml", ".toml", ".in", "Makefile", "Dockerfile", ".gitignore", "run"), _HASH),
    **dict.fromkeys((".js", ".mjs", ".css"), _SLASHES),
    ".json": _ASL,
}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository, relative to its root."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=WAIT_S).stdout
    return tuple(path for name in listed.split("\0") if name and (ROOT / (path := Path(name))).is_file())


def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


@cache
def prose() -> tuple[tuple[Path, str], ...]:
    """Every docstring and every block of comments, each on one line, with its file."""
    return tuple((path, " ".join(passage.split())) for path in tracked() for passage in _passages(path))


def _passages(path: Path) -> Iterator[str]:
    if path.suffix == ".py":
        text = (ROOT / path).read_text("utf-8")
        return chain(_docstrings(text), _comments(text))
    mark = _COMMENTS.get(path.suffix) or _COMMENTS.get(path.name)
    return _marked(mark, (ROOT / path).read_text("utf-8")) if mark else iter(())


def _docstrings(text: str) -> Iterator[str]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented):
            yield ast.get_docstring(node) or ""


def _comments(text: str) -> Iterator[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [(token.start[0], token.string.lstrip("# ")) for token in tokens if token.type == tokenize.COMMENT]
    return _blocks(comments)


def _marked(mark: str, text: str) -> Iterator[str]:
    lines = enumerate(text.splitlines())
    comments = _blocks([(number, match[1]) for number, line in lines if (match := re.search(mark, line))])
    return chain(comments, re.findall(r"/\*(.*?)\*/", text, re.DOTALL) if mark is _SLASHES else ())


def _blocks(comments: list[tuple[int, str]]) -> Iterator[str]:
    """Comments on consecutive lines are one text."""
    block: list[str] = []
    last = -1
    for number, comment in comments:
        if number != last + 1:
            yield " ".join(block)
            block = []
        block.append(comment)
        last = number
    yield " ".join(block)


def sections() -> set[str]:
    """The numbers of the specification's headings."""
    return set(re.findall(rf"^#+ ({_NUMBER})", SPECIFICATION.read_text("utf-8"), re.MULTILINE))


def test_every_page_that_is_named_exists() -> None:
    there = [f"/{path}" for path in pages()]
    named = [(path, name) for path, text in prose() for name in _PAGE.findall(text)]
    assert len(named) > 40, "nearly every file under contracts names its page"
    missing = [f"{path}: {name}" for path, name in named if not any(page.endswith(f"/{name}") for page in there)]
    assert missing == []


def test_every_section_that_is_cited_exists() -> None:
    found = [(path, numbers) for path, text in prose() for numbers in _CITED.findall(text)]
    cited = [(path, number) for path, numbers in found for number in re.findall(_NUMBER, numbers)]
    assert len(cited) > 60, "the contracts cite the rules they keep"
    there = sections()
    assert [f"{path}: contracts.md {number}" for path, number in cited if number not in there] == []


def test_no_section_is_cited_without_its_page() -> None:
    bare = [
        f"{path}: {found}"
        for path, text in prose()
        if path != Path(__file__).relative_to(ROOT)
        for found in _BARE.findall(_RFC.sub("", _CITED.sub("", text)))
    ]
    assert bare == [], 'write "contracts.md 3.5"'


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in pages():
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", (ROOT / page).read_text("utf-8")):
            linked = ROOT / page.parent / target if target else ROOT / page
            assert linked.exists(), f"{page}: {target}"
            assert not anchor or anchor in anchors(linked), f"{page}: {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


# From where a page names files: the root, the package, its pipeline, and the page's own folder.
_PACKAGE = "layers/cutline/python/cutline/"
_STARTS = ("", "layers/cutline/python/", _PACKAGE, f"{_PACKAGE}pipeline/")
_FILE = re.compile(
    r"(?:[\w.-]+/)*[\w-]+\.(?:py|md|toml|yaml|mjs|html)|(?:[\w.-]{3,}/)+|(?:cutline|functions|tools)/[\w/]+"
)
_WRITTEN_BY_READERS = {"samconfig.toml"}


def test_every_file_that_a_page_names_exists() -> None:
    there = {path.name for path in tracked()}
    for path in tracked():
        there |= {str(path), *(str(folder) for folder in path.parents), *(folder.name for folder in path.parents)}
    named = [
        (page, name)
        for page in pages()
        if ROOT / page != SPECIFICATION  # it names the vendors' files
        for name in re.findall(r"`([^`\s]+)`", (ROOT / page).read_text("utf-8"))
        if _FILE.fullmatch(name) and name not in _WRITTEN_BY_READERS
    ]
    assert len(named) > 80
    starts = [(page, name, (*_STARTS, f"{page.parent}/")) for page, name in named]
    lost = [(page, name) for page, name, heads in starts if there.isdisjoint(head + name.rstrip("/") for head in heads)]
    assert [f"{page}: {name}" for page, name in lost] == []
