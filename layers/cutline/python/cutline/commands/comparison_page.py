"""The page that `cutline compare-with` writes: every picture with both results, the worst first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_KB = 1000
_STYLE = """body { font: 16px system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .5rem; text-align: left; vertical-align: top; border-top: 1px solid #bbb; }
img { max-width: 100%; background: repeating-conic-gradient(#ddd 0 25%, #fff 0 50%) 0 0 / 20px 20px; }"""


@dataclass(frozen=True)
class Pair:
    """A picture and what the other service made of it."""

    picture: Path
    result: Path


@dataclass(frozen=True)
class Compared:
    """One picture: how far both results agree, what they weigh, what ours took; previews by name, as file names."""

    name: str
    previews: Mapping[str, str]
    overlap: float
    difference: float
    old_bytes: int
    our_bytes: int
    took_ms: float

    def cells(self) -> dict[str, str]:
        """The row as the command prints it."""
        return {
            "picture": self.name,
            "overlap": f"{self.overlap:.3f}",
            "difference": f"{self.difference:.3f}",
            "old_kb": f"{self.old_bytes / _KB:.0f}",
            "our_kb": f"{self.our_bytes / _KB:.0f}",
            "ms": f"{self.took_ms:.0f}",
        }


def write_page(folder: Path, compared: Sequence[Compared]) -> Path:
    """The page's path; its pictures lie beside it."""
    page = folder / "index.html"
    rows = "\n".join(map(_row, compared))
    mean = sum(one.overlap for one in compared) / len(compared) if compared else 0.0
    page.write_text(
        f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Cutline beside the results so far</title>
<style>{_STYLE}</style>
<h1>Cutline beside the results so far</h1>
<p>{len(compared)} pictures, the worst first. Mean overlap {mean:.3f}.
In the difference green is Cutline's alone, red the other's alone.</p>
<table>
<tr><th>Picture<th>So far<th>Cutline<th>Difference<th>Numbers</tr>
{rows}
</table>
</html>
""",
        "utf-8",
    )
    return page


def _row(one: Compared) -> str:
    pictures = "".join(
        f'<td><img src="{escape(file, quote=True)}" alt="{name} of {escape(one.name, quote=True)}">'
        for name, file in one.previews.items()
    )
    numbers = "<br>".join(f"{name}: {escape(value)}" for name, value in one.cells().items())
    return f"<tr>{pictures}<td>{numbers}</tr>"
