"""How much a message wants traded. Pure."""

from decimal import Decimal

from orderbridge.alerts.message import Message, described

_OTHER_TYPES = frozenset(
    {"dollar_amount", "risk_dollar_amount", "percent_of_equity", "percent_of_position", "risk_percent"}
)
_HINT = "Send the number of shares, contracts or lots (fixed_quantity)."


def says_quantity(message: Message) -> bool:
    return message.has("quantity") or message.has("order_contracts")


def read_quantity(message: Message) -> Decimal | None:
    """Read the quantity, as `quantity` or as the strategy's order size; both must agree."""
    quantity, contracts = message.positive("quantity"), message.positive("order_contracts")
    if quantity is not None and contracts is not None and quantity != contracts:
        text = f"{message.name('order_contracts')} contradicts {message.name('quantity')}."
        message.problem("contradiction", "order_contracts", text, "Send one of them.")
    return contracts if quantity is None else quantity


def read_quantity_type(message: Message) -> str | None:
    """Read what the quantity counts; anything but `fixed_quantity` is a problem. None when it cannot be read."""
    if not message.has("quantityType"):
        return "fixed_quantity"
    word = message.word("quantityType")
    if word is None or word.lower() == "fixed_quantity":
        return word and word.lower()
    if word.lower() in _OTHER_TYPES:
        message.problem("not_supported", "quantityType", f"Quantities of type {word} are not supported.", _HINT)
    else:
        text = f"{message.name('quantityType')} is {described(word)}, which means nothing here."
        message.problem("not_understood", "quantityType", text, _HINT)
    return word.lower()
