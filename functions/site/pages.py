"""The pages of the site and their security headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from cutline.contracts.wire import Request, Response, json_response
from cutline.openapi.document import document
from cutline.openapi.playground_facts import playground_facts
from cutline.openapi.reference_page import reference

_STATIC = Path(__file__).parent / "static"
_FILES = {path.name: path for path in _STATIC.iterdir()}
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",
}
_CACHE = "public, max-age=300"


@dataclass(frozen=True)
class Site:
    """The site's files. `origins`: other hosts that the page may call; `local`: whether to offer the demo account."""

    origins: tuple[str, ...]
    local: bool

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Site":
        """Read BUCKET_ORIGINS, from the template, and AWS_ENDPOINT_URL, S3's address in the local cloud."""
        others = (env.get(name, "") for name in ("PUBLIC_URL", "AWS_ENDPOINT_URL"))
        # The first word of RESULTS_CDN is its address.
        addresses = [*env.get("BUCKET_ORIGINS", "").split(), *env.get("RESULTS_CDN", "").split()[:1], *others]
        parts = [urlsplit(address) for address in addresses if address]
        origins = dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts)
        return cls(tuple(origins), env.get("CUTLINE_LOCAL") == "true")

    def playground(self, request: Request) -> Response:
        """Return the playground page. Its base is the stage's path, because all its links are relative."""
        base = f'<base href="{escape(_base(request))}">'
        return self._page(_FILES["index.html"].read_text("utf-8").replace('<base href="./">', base))

    def description(self, request: Request) -> Response:
        """Return the OpenAPI document, readable from other origins."""
        headers = {"Cache-Control": _CACHE, "Access-Control-Allow-Origin": "*"}
        return json_response(200, document(request.base_url), headers)

    def reference(self, request: Request) -> Response:
        """Return the reference page."""
        return self._page(reference(document(request.base_url), _base(request)))

    def file(self, name: str) -> Response:
        """Return a file of the playground, or the limits and options that it reads from facts.json."""
        if name == "facts.json":
            return json_response(200, playground_facts(demo=self.local))
        path = _FILES.get(name)
        if path is None or path.suffix == ".html":
            return json_response(404, {"message": "Not Found"})
        return Response(200, self._headers(path.suffix), path.read_bytes())

    def _page(self, html: str) -> Response:
        policy = {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' blob: data:",
            # data: holds the results of an account with retention off.
            "connect-src": " ".join(["'self'", "data:", *self.origins]),
            "base-uri": "'self'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
        }
        text = "; ".join(f"{name} {value}" for name, value in policy.items())
        headers = {**self._headers(".html"), "Content-Security-Policy": text, "Cache-Control": "no-cache"}
        return Response(200, headers, html.encode())

    @staticmethod
    def _headers(suffix: str) -> dict[str, str]:
        kind = _TYPES[suffix]
        return {
            "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
            "Cache-Control": _CACHE,
            "Cross-Origin-Opener-Policy": "same-origin",
        }


def _base(request: Request) -> str:
    """Return the stage's path in the browser."""
    stage = request.raw_path.rstrip("/").removesuffix(request.path.rstrip("/"))
    return f"{stage.rstrip('/')}/"
