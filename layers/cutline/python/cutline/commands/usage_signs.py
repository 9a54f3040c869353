"""By what calls of the APIs are known in other people's code: hosts, routes, and the names of clients."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cutline.contracts.apis import APIS


@dataclass(frozen=True)
class Sign:
    """A pattern, whose API it shows, and what is to be changed there."""

    api: str
    pattern: re.Pattern[str]
    change: str


@dataclass(frozen=True)
class Usage:
    """What one line calls, and what is to be changed."""

    api: str
    changes: tuple[str, ...]


_HOST = "replace the host with your own, and the key with one from `cutline account create`"
_HOSTS = {
    "jdc": (r"cutout[\w-]*\.jdcloud(?:-api)?\.(?:com|net)",),
    "jds": (r"aiapi\.jd(?:cloud)?\.com",),
    "pw": (r"tech(?:hk|sz)\.aoscdn\.com",),
    "aid": (r"(?:cn-)?api\.aidc-ai\.com",),
    "ail": (r"(?:www\.)?ailabapi\.com",),
    "rbg": (r"api\.remove\.bg",),
}
_CLIENTS = {
    "rbg": (
        (r"(?:from|import) removebg\b", 'set removebg.removebg.API_ENDPOINT to "https://HOST/v1.0/removebg"'),
        (r"""(?:require\(|from )["']remove\.bg["']""", "patch API_ENDPOINT in node_modules/remove.bg/dist/index.js"),
        (r"""require ["']remove_bg["']|\bRemoveBg\.(?:from_|configure)""",
         'give RemoveBg::ApiClient.new a connection: RemoveBg::HttpConnection.build("https://HOST")'),
    ),
    "ail": (
        (r"\bAILabClient\(", 'give the client base_url="https://HOST" (baseUrl in JavaScript), and your key'),
        (r"\bAILab(?:Tools)?Client\b|ailabtools-sdk", "give the client your address as its base URL, and your key"),
    ),
    "aid": (
        (r"\b(?:Lazop|Iop)Client(?:Impl)?\(", 'give the client "https://HOST/rest", your app key and secret'),
    ),
    "jds": ((r"\bjdcloud_sdk\b|\bjdcloud-sdk-", 'give Config endpoint="HOST", and Credential your keys'),),
    "rem": ((r"""["']rembg["'], *["']s["']|\brembg s\b""", "call your host, and add a key as X-Api-Key"),),
}  # fmt: skip


def _signs() -> Iterator[Sign]:
    for api, hosts in _HOSTS.items():
        for host in hosts:
            yield Sign(api, re.compile(host, re.IGNORECASE), _HOST)
    for api, clients in _CLIENTS.items():
        for pattern, change in clients:
            yield Sign(api, re.compile(pattern), change)
    for api, contract in APIS.items():
        for route in contract.ROUTES:
            path = re.escape(route.partition("{")[0].rstrip("/"))
            text = f"the route stays; {_HOST}"
            yield Sign(api, re.compile(rf"{path}/?(?![\w/-])"), text)


SIGNS = tuple(_signs())


def usages_in(line: str) -> list[Usage]:
    """What a line calls. A route says nothing new where the host stands in the same line."""
    found: dict[str, list[str]] = {}
    for sign in SIGNS:
        if sign.pattern.search(line) is not None:
            changes = found.setdefault(sign.api, [])
            if not any(change in sign.change for change in changes):
                changes.append(sign.change)
    return [Usage(api, tuple(changes)) for api, changes in found.items()]
