"""Whether an order's action fits the position and the orders that already reserve it."""

from decimal import Decimal

from sandbox.tradestation.book import Book
from sandbox.tradestation.instruments import Instrument
from sandbox.tradestation.model import ZERO, Account, Action, Group, Order

_OPENS_LONG = (Action.BUY, Action.BUYTOOPEN)
_OPENS_SHORT = (Action.SELLSHORT, Action.SELLTOOPEN)
_BOXED = "Boxed positions are not permitted"


def position_misfit(
    book: Book,
    account: Account,
    instrument: Instrument,
    action: Action,
    quantity: Decimal,
    group: Group | None,
    order: Order | None = None,
) -> str | None:
    """Give TradeStation's text for an action that does not fit, or None.

    Stocks and options: BUY not while short (EC803), SELLSHORT not while long (EC804), and a closing action only for
    what is held and not reserved by other closing orders (EC601, EC602; options EC701, EC702).
    """
    held = account.held(instrument.symbol)
    if instrument.asset == "FUTURE":
        return _future_misfit(book, held, action, quantity)
    if action in _OPENS_LONG and held < 0:
        return _coded(book, "EC803", f"{_BOXED}. You are short {-held} shares!")
    if action in _OPENS_SHORT and held > 0:
        return _coded(book, "EC804", f"{_BOXED}. You are long {held} shares!")
    if not action.closes:
        return None
    closable = max(ZERO, -held * action.sign)
    reserved = book.reserved(account, instrument.symbol, action.sign, group, order)
    if quantity + reserved <= closable:
        return None
    return _coded(book, _code(instrument, action), _held_text(action, closable, reserved))


def _future_misfit(book: Book, held: Decimal, action: Action, quantity: Decimal) -> str | None:
    crosses = held * action.sign < 0 and quantity > abs(held)
    if not crosses or book.switches["futures_cross_zero"] == "allowed":
        return None
    return f"Quantity exceeds the open position of {abs(held)} contracts"


def _code(instrument: Instrument, action: Action) -> str:
    family = 6 if instrument.asset == "STOCK" else 7
    return f"EC{family}0{1 if action.sign < 0 else 2}"


def _held_text(action: Action, closable: Decimal, reserved: Decimal) -> str:
    side, orders = ("long", "sell") if action.sign < 0 else ("short", "buy to cover")
    text = f"You are {side} {closable} shares"
    return f"{text} with {reserved} remaining on {orders} orders!" if reserved else f"{text}!"


def _coded(book: Book, code: str, text: str) -> str:
    return f"{code}: {text}" if book.switches["position_reject_text"] == "coded" else text
