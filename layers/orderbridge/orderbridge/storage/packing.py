"""Long texts as one attribute of an item: compressed, in base64.

Base85 would be 6 % shorter, but Python's is not in C and takes longer than the compression.
"""

import base64
import binascii
import zlib


def packed(text: str) -> str:
    """Give the text compressed; an empty one stays empty."""
    return base64.b64encode(zlib.compress(text.encode(), 6)).decode() if text else ""


def unpacked(text: str) -> str:
    """Give what `packed` was given. Raises `ValueError` for anything else."""
    try:
        return zlib.decompress(base64.b64decode(text, validate=True)).decode() if text else ""
    except (binascii.Error, zlib.error) as error:
        raise ValueError("not a text that was packed here") from error
