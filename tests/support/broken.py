"""template.yaml whose cut-outs have no network, and whose tasks wait for a worker for seconds and not for hours."""

from pathlib import Path

from devkit.running import ROOT

_FUNCTION, _FLOW = "  CutoutFunction:\n", "functions/flow/flow.asl.json"
_PATIENCE = '"TimeoutSeconds": 10800'


def broken_template(home: Path) -> Path:
    """Write it into a folder, with what it names, and return its path."""
    for name in ("functions", "layers"):
        (home / name).symlink_to(ROOT / name)
    flow = (ROOT / _FLOW).read_text("utf-8")
    assert flow.count(_PATIENCE) == 1
    (home / "flow.json").write_text(flow.replace(_PATIENCE, '"TimeoutSeconds": 5'), "utf-8")
    text = (ROOT / "template.yaml").read_text("utf-8").replace(_FLOW, "flow.json")
    before, _, after = text.partition(_FUNCTION)
    (home / "template.yaml").write_text(before + _FUNCTION + after.replace("!Ref Model\n", "absent\n", 1), "utf-8")
    return home / "template.yaml"
