"""JSON in and out, where upstreams write what strict parsers refuse.

`orjson` is used wherever it can be. It refuses numbers that are no numbers (`NaN`) and halves of
surrogate pairs, and rounds integers beyond 64 bits; those are read by the standard library and left
to the rules that judge records, so that one odd value costs one record and not a whole page.
"""

import json
import re
from typing import Any

import orjson

# A number of 20 digits or more that are no fraction: it may be beyond 64 bits.
_LONG = re.compile(rb"(?:^|[\s:,\[-])\d{20}")
# Whether there are so many digits at all is told 20 times quicker by making all of them alike.
_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_DIGITS = b"0" * 20


def loads(content: bytes | str) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is no JSON, or is nested too deep to be read.
    """
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    try:
        return json.loads(raw) if _has_long_number(raw) else orjson.loads(raw)
    except (ValueError, RecursionError) as error:
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            raise ValueError(str(error)) from error


def dumps(document: Any, *, sort_keys: bool = False) -> bytes:
    """Write JSON as UTF-8, compact.

    Args:
        document: the value.
        sort_keys: whether equal values give equal bytes, in whatever order their members are.

    Raises:
        ValueError: a value has no JSON form.
    """
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS if sort_keys else None)
    except TypeError as error:
        try:
            text = json.dumps(
                document, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=sort_keys
            )
            return text.encode()
        except (TypeError, ValueError, RecursionError):
            raise ValueError(f"no JSON can be made of it: {error}") from error


def _has_long_number(raw: bytes) -> bool:
    return _DIGITS in raw.translate(_ALIKE) and _LONG.search(raw) is not None
