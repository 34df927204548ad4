"""Items that another release has written: what this one reads, and what it leaves alone.

    schema <= SCHEMA    read; a field that this release does not know is passed over, and gone once it writes the item
    schema >  SCHEMA    `NewerReleaseError`: the item stays as it is, and whoever came for it comes again

So a release that adds a field whose loss harms nothing keeps `keys.SCHEMA`. One that changes what is there, or adds
what must not be passed over, raises it, after the release before has learnt to read the new shape (docs/ledger.md).
"""

from typing import Any, TypeVar

from orderbridge import codec
from orderbridge.errors import NewerReleaseError
from orderbridge.storage import keys
from orderbridge.storage.items import Item

T = TypeVar("T")


def decoded(kind: type[T] | Any, item: Item) -> T:
    """Build a `kind` from an item's `data`.

    Raises `NewerReleaseError`, and `pydantic.ValidationError` when the text does not fit.
    """
    check_schema(item)
    found: T = codec.loads(kind, str(item["data"]))
    return found


def check_schema(item: Item) -> None:
    """Raise `NewerReleaseError` if this release cannot know what the item means."""
    schema = int(item.get("schema", keys.SCHEMA))
    if schema > keys.SCHEMA:
        raise NewerReleaseError(f"an item has shape {schema}, and this release reads up to {keys.SCHEMA}")
