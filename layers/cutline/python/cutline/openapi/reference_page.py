"""The API reference for people: the OpenAPI document as one plain HTML page."""

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

_MAX_EXAMPLE = 200


def reference(document: dict[str, Any], base: str) -> str:
    """Render the page; `base` is what its links are relative to."""
    info = document["info"]
    body = "\n".join(_sections(document))
    navigation = "\n".join(
        f'<li><a href="reference#{_anchor(operation)}"><code>{method.upper()} {escape(path)}</code></a></li>'
        for path, method, operation in operations(document)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<base href="{escape(base)}">
<title>{escape(info["title"])} API reference</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="site/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="site/playground.css">
<link rel="stylesheet" href="site/reference.css">
</head>
<body>
<header class="top">
<a class="brand" href="./"><img src="site/icon.svg" alt="" width="28" height="28"> {escape(info["title"])}</a>
<nav aria-label="Site"><a href="./">Playground</a><a href="openapi.json">OpenAPI</a></nav>
</header>
<main class="reference">
<h1>API reference</h1>
<p>{escape(info["summary"])} {escape(info["description"])} Version {escape(info["version"])}.</p>
<nav aria-label="Contents"><ul class="contents">
{navigation}
</ul></nav>
{_schemes(document)}
{body}
</main>
</body>
</html>
"""


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation of each route, in the document's order."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _schemes(document: dict[str, Any]) -> str:
    rows = [
        (f"<code>{escape(scheme['name'])}</code>", scheme["in"], _prose(scheme["description"]))
        for scheme in document["components"]["securitySchemes"].values()
    ]
    return "<h2>Credentials</h2>" + _table(("Name", "Where", "What"), rows)


def _sections(document: dict[str, Any]) -> Iterator[str]:
    for path, method, operation in operations(document):
        yield f'<section id="{_anchor(operation)}"><h2>{escape(operation["summary"])}</h2>'
        route = f"<code>{method.upper()} {escape(path)}</code> <span>{escape(operation['tags'][0])}</span>"
        yield f'<p class="route">{route}</p>'
        yield "".join(f"<p>{_prose(part)}</p>" for part in operation.get("description", "").split("\n\n") if part)
        yield _parameters(document, operation)
        yield _request(document, operation)
        yield _responses(document, operation)
        yield "</section>"


def _parameters(document: dict[str, Any], operation: dict[str, Any]) -> str:
    found = [resolved(document, parameter) for parameter in operation.get("parameters", [])]
    rows = [
        (f"<code>{escape(p['name'])}</code>", p["in"], _type(document, p["schema"]), _prose(p.get("description", "")))
        for p in found
    ]
    return "<h3>Parameters</h3>" + _table(("Name", "Where", "Type", "Meaning"), rows) if rows else ""


def _request(document: dict[str, Any], operation: dict[str, Any]) -> str:
    parts = []
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        fields = _fields(document, media["schema"])
        parts.append(f"<h3>Body: <code>{escape(kind)}</code></h3>{fields}{_example(media['example'])}")
    return "".join(parts)


def _responses(document: dict[str, Any], operation: dict[str, Any]) -> str:
    parts = ["<h3>Responses</h3>"]
    for status, given in operation["responses"].items():
        response = resolved(document, given)
        title = "Otherwise" if status == "default" else f"HTTP {status}"
        parts.append(f"<details><summary><strong>{title}</strong> {escape(response['description'])}</summary>")
        for kind, media in response.get("content", {}).items():
            parts.append(f"<h4><code>{escape(kind)}</code></h4>{_shapes(document, media['schema'])}")
            single = {"": {"value": media["example"]}} if "example" in media else {}
            for name, example in media.get("examples", single).items():
                parts.append(f"<h5>{escape(name.replace('_', ' '))}</h5>{_example(example['value'])}")
        parts.append("</details>")
    return "".join(parts)


def _shapes(document: dict[str, Any], schema: dict[str, Any]) -> str:
    alternatives = schema.get("oneOf") or schema.get("anyOf")
    if not alternatives:
        return _fields(document, schema)
    return "".join(f"<p>{escape(name_of(one))}</p>{_shapes(document, one)}" for one in alternatives)


def name_of(schema: dict[str, Any]) -> str:
    """Return the name of the component that a reference points to."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> str:
    rows = [
        (
            f"<code>{escape(path)}</code>{'' if needed else ' <small>optional</small>'}",
            _type(document, field),
            _meaning(field),
        )
        for path, field, needed in _flattened(document, schema)
    ]
    return _table(("Field", "Type", "Meaning"), rows) if rows else f"<p>{_prose(schema.get('description', ''))}</p>"


def _flattened(document: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, bool]]:
    shape = resolved(document, schema)
    required = shape.get("required", ())
    for name, field in shape.get("properties", {}).items():
        inner = resolved(document, field)
        yield prefix + name, inner, name in required
        yield from _flattened(document, inner, f"{prefix}{name}.")
    for index, item in enumerate(shape.get("prefixItems", ())):
        yield from _flattened(document, item, f"{prefix.removesuffix('.')}[{index}].")


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Return the node that a reference points to, or the node itself."""
    if "$ref" not in node:
        return node
    found: Any = document
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str:
    if "const" in schema:
        return f"always <code>{escape(json.dumps(schema['const'], ensure_ascii=False))}</code>"
    if "enum" in schema:
        values = dict.fromkeys(str(value) for value in schema["enum"])
        return " ".join(f"<code>{escape(value)}</code>" for value in values)
    kind = (
        schema.get("contentMediaType")
        or schema.get("contentEncoding")
        or schema.get("format")
        or schema.get("type", "")
    )
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None and high is None:
        return escape(kind)
    return escape(f"{kind}, {low} to {high}" if high is not None else f"{kind}, {low} or more")


def _meaning(schema: dict[str, Any]) -> str:
    default = f" Default <code>{escape(str(schema['default']))}</code>." if "default" in schema else ""
    return _prose(schema.get("description", "")) + default


def _prose(words: str) -> str:
    """Return text with `code` marked up."""
    pieces = escape(words).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


def _example(value: Any) -> str:
    return f'<pre tabindex="0">{escape(json.dumps(_shortened(value), indent=2, ensure_ascii=False))}</pre>'


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value[:60] + "…" if isinstance(value, str) and len(value) > _MAX_EXAMPLE else value


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _anchor(operation: dict[str, Any]) -> str:
    return escape(operation["operationId"])
