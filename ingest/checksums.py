"""Checksums as the File extension has them: multihashes, in hexadecimal digits.

A multihash is a code of the algorithm and the length of the digest, both as varints, and the digest
(multiformats table). MD5 has a code of two bytes.
"""

import re
from typing import Any

# Code and length of the digest in bytes.
_ALGORITHMS = {
    "MD5": ("d501", 16),
    "SHA1": ("11", 20),
    "SHA256": ("12", 32),
    "SHA512": ("13", 64),
    "SHA3256": ("16", 32),
    "BLAKE3": ("1e", 32),
}
_LENGTHS = dict(_ALGORITHMS.values())
_HEXADECIMAL = re.compile(r"[0-9a-f]+")


def multihash(algorithm: str | None, digest: str | None) -> str | None:
    """Return a checksum as a multihash; None for an unknown algorithm or a digest of another length.

    Args:
        algorithm: in any spelling: `MD5`, `SHA-256`.
        digest: hexadecimal digits in either case.
    """
    code, length = _ALGORITHMS.get((algorithm or "").upper().replace("-", ""), ("", 0))
    digits = (digest or "").strip().lower()
    if not length or len(digits) != 2 * length or not _HEXADECIMAL.fullmatch(digits):
        return None
    return f"{code}{length:02x}{digits}"


def is_multihash(value: Any) -> bool:
    """Whether a text is a multihash of a known algorithm whose digest has the length that it states."""
    if not isinstance(value, str) or not _HEXADECIMAL.fullmatch(value):
        return False
    code = value[:4] if value.startswith("d501") else value[:2]
    length = _LENGTHS.get(code)
    return (
        length is not None
        and value[len(code) :][:2] == f"{length:02x}"
        and len(value) == len(code) + 2 + 2 * length
    )
