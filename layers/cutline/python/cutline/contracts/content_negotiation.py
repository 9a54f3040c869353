"""Content negotiation by the `Accept` header (RFC 9110, 12.5.1)."""


def weights_of(accept: str) -> dict[str, float]:
    """Return the weight of each media range; one that cannot be read counts as 1."""
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        weights[kind] = max(weights.get(kind, 0.0), _weight(parameters))
    return weights


def prefers_json(accept: str) -> bool:
    """Return whether `Accept` names JSON before any picture: axios sends both with equal weight and wants the bytes."""
    weights = weights_of(accept)
    pictures = [weight for kind, weight in weights.items() if kind == "*/*" or kind.startswith("image/")]
    return weights.get("application/json", 0.0) > max(pictures, default=0.0)


def prefers_webp(accept: str) -> bool:
    """Return whether `Accept` names WebP, and PNG not before it, as a page's `<img>` does and download tools do not.

    A browser that opens the link itself says `text/html` too. It gets the file as it was made, because people save it.
    """
    weights = weights_of(accept)
    webp = weights.get("image/webp", 0.0)
    return webp > 0 and webp >= weights.get("image/png", 0.0) and "text/html" not in weights


def _weight(parameters: list[str]) -> float:
    text = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return float(text)
    except ValueError:
        return 1.0
