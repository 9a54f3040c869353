"""ECDSA on the curve P-256 (FIPS 186-5; SEC 1, 4.1): CloudFront checks it, and no package that is shipped makes it.

A signature takes 2 ms. Its nonce is derived from key and message (RFC 6979), so that a sandbox restored from a
snapshot repeats none, and every multiplication has the same number of steps, whatever the nonce.
"""

import hashlib
import hmac

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    1,
)
# SubjectPublicKeyInfo of an uncompressed point (RFC 5480), up to its coordinates.
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")

# Jacobian coordinates: (X / Z^2, Y / Z^3).
_Point = tuple[int, int, int]


def public_key(private: int) -> bytes:
    """Return the public key of a private one, 2..ORDER-1, as DER (SubjectPublicKeyInfo), 91 bytes."""
    x, y = _times(private)
    return _SPKI + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def sign(private: int, message: bytes) -> bytes:
    """Return the signature of a message's SHA-256 as DER, 72 bytes at most."""
    digest = hashlib.sha256(message).digest()
    hashed = int.from_bytes(digest, "big") % ORDER
    nonce = _nonce(private, hashed)
    r = _times(nonce)[0] % ORDER
    s = pow(nonce, -1, ORDER) * (hashed + r * private) % ORDER
    body = _integer(r) + _integer(s)
    return bytes((0x30, len(body))) + body


def _nonce(private: int, hashed: int) -> int:
    """RFC 6979, 3.2 with HMAC-SHA256. That r or s is zero, or a candidate too large, happens once in 2^32 at most."""
    seed = private.to_bytes(32, "big") + hashed.to_bytes(32, "big")
    key, value = bytes(32), b"\1" * 32
    for step in (b"\0", b"\1"):
        key = hmac.digest(key, value + step + seed, "sha256")
        value = hmac.digest(key, value, "sha256")
    while True:
        value = hmac.digest(key, value, "sha256")
        candidate = int.from_bytes(value, "big")
        if 0 < candidate < ORDER:
            return candidate
        key = hmac.digest(key, value + b"\0", "sha256")
        value = hmac.digest(key, value, "sha256")


def _integer(value: int) -> bytes:
    raw = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes((0x02, len(raw))) + raw


def _times(scalar: int) -> tuple[int, int]:
    """The base point, `scalar` times, affine. The time must not tell the scalar's length (Minerva), so it is fixed."""
    fixed = scalar + ORDER
    if fixed.bit_length() == ORDER.bit_length():
        fixed += ORDER
    point = _BASE
    for bit in bin(fixed)[3:]:
        doubled = _double(point)
        added = _add(doubled, _BASE)
        point = added if bit == "1" else doubled
    x, y, z = point
    inverse = pow(z, -1, _P)
    square = inverse * inverse
    return x * square % _P, y * square * inverse % _P


def _double(point: _Point) -> _Point:
    """dbl-2001-b of the Explicit-Formulas Database, for curves with a = -3."""
    x, y, z = point
    delta = z * z % _P
    gamma = y * y % _P
    beta = x * gamma % _P
    alpha = 3 * (x - delta) * (x + delta) % _P
    x2 = (alpha * alpha - 8 * beta) % _P
    return x2, (alpha * (4 * beta - x2) - 8 * gamma * gamma) % _P, 2 * y * z % _P


def _add(point: _Point, other: _Point) -> _Point:
    """madd-2007-bl for `other` with Z = 1. Neither is the point at infinity; equal points are doubled."""
    x1, y1, z1 = point
    x2, y2, _ = other
    square = z1 * z1 % _P
    h = (x2 * square - x1) % _P
    r = (y2 * square * z1 - y1) % _P
    if not h and not r:
        return _double(point)
    h2 = h * h % _P
    h3 = h * h2 % _P
    v = x1 * h2 % _P
    x3 = (r * r - h3 - 2 * v) % _P
    return x3, (r * (v - x3) - y1 * h3) % _P, z1 * h % _P
