"""The text in the terminal when the local cloud is ready."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cutline.accounts.demo import AIDGE_APP_KEY, AIDGE_SECRET, API_KEY, JD_ACCESS_KEY, JD_SECRET_KEY
from cutline.openapi.document import document
from localcloud.aws_account import OPERATOR_FILE

READY = "Ready: "

_CREDENTIALS = """
Demo account, in this local cloud only
  {headers:<30} {key}
  JD Cloud access key, secret    {jd_key}  {jd_secret}
  Aidge app_key, secret          {aidge_key}  {aidge_secret}
"""
_JSON = "application/json"


def welcome(url: str, paths: set[str], seeded: bool, state_dir: Path) -> str:
    """Address, credentials, a curl line per API, the operator's commands and the folder of the logs."""
    text = ""
    if seeded:
        described = document(url)
        text += _credentials(described["components"]["securitySchemes"])
        calls = "\n".join(f"  {call}" for call in curl_lines(described, paths))
        text += f"\nTry, with a photo.jpg of your own\n{calls}\n" if calls else ""
        operator = _short(state_dir / OPERATOR_FILE)
        text += f"\nOperate accounts from another terminal\n  . {operator} && cutline account list\n"
    return f"{text}\nLogs of the functions: {_short(state_dir / 'logs')}\nCtrl-C stops everything.\n\n{READY}{url}"


def _credentials(schemes: Mapping[str, Any]) -> str:
    return _CREDENTIALS.format(
        headers=", ".join(scheme["name"] for scheme in schemes.values() if _is_key(scheme)),
        key=API_KEY,
        jd_key=JD_ACCESS_KEY,
        jd_secret=JD_SECRET_KEY,
        aidge_key=AIDGE_APP_KEY,
        aidge_secret=AIDGE_SECRET,
    )


def curl_lines(described: Mapping[str, Any], paths: set[str]) -> list[str]:
    """One line per API among `paths`, from the examples in the OpenAPI document, with the demo credentials."""
    found: dict[str, str] = {}
    for path, item in described["paths"].items():
        operation = item.get("post", {})
        # Our own operations take any credential; an API has its one.
        if path.rstrip("/") in paths and len(operation.get("security", ())) == 1:
            (scheme,) = operation["security"][0]
            query = _query(operation)
            address = described["servers"][0]["url"] + path
            address = f"'{address}?{query}'" if query else address
            call = _call(address, operation, scheme, described["components"]["securitySchemes"][scheme])
            found.setdefault(operation["tags"][0], call)
    return list(found.values())


def _call(address: str, operation: Mapping[str, Any], scheme: str, credential: Mapping[str, Any]) -> str:
    kind, media = next(iter(operation["requestBody"]["content"].items()))
    if _is_key(credential):
        address += f" -H '{credential['name']}: {API_KEY}'"
    if kind == "multipart/form-data":
        saved = f" -o {operation['x-saved-as']}" if "x-saved-as" in operation else ""
        fields = " ".join(f"-F {name}={value}" for name, value in _fields(media, "@photo.jpg"))
        return f"curl -s {address} {fields}{saved}"
    file, write = "photo.jpg", ""
    if kind == _JSON:
        body = json.dumps(dict(_fields(media, "%s")))
        file, write = "body.json", f"""printf '{body}' "$(base64 -w0 photo.jpg)" > body.json; """
    sign = f"{_short(Path(sys.executable))} -m localcloud.sign {scheme} {address}"
    if credential["name"] == "Authorization":  # signs over the body
        content_type = f" --type {kind}" if kind == _JSON else ""
        return f"{write}{sign} {file}{content_type} | curl -sK -"
    if not _is_key(credential):
        address = f'"$({sign})"'
    return f"{write}curl -s {address} -H 'content-type: {kind}' --data-binary @{file}"


def _query(operation: Mapping[str, Any]) -> str:
    """The parameters without which there is no call, by their examples."""
    needed = [one for one in operation.get("parameters", ()) if one.get("required") and "example" in one]
    pairs = [(one["name"], one["example"]) for one in needed if one["in"] == "query"]
    return urlencode(pairs)


def _fields(media: Mapping[str, Any], picture: str) -> list[tuple[str, Any]]:
    """The picture's field, and those without which there is no call."""
    schema = media["schema"]
    is_picture = {
        name: "contentMediaType" in field or "contentEncoding" in field for name, field in schema["properties"].items()
    }
    return [
        (name, picture if is_picture[name] else value)
        for name, value in media["example"].items()
        if is_picture[name] or name in schema["required"]
    ]


def _is_key(credential: Mapping[str, Any]) -> bool:
    """Whether the key itself is sent, in a header."""
    return bool(credential["in"] == "header" and credential["name"] != "Authorization")


def _short(path: Path) -> Path:
    """Relative to the current folder if it is inside; does not follow a virtual environment's link."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
