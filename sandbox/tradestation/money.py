"""What an account is worth and what it may still buy."""

from decimal import Decimal

from sandbox.tradestation.book import Book
from sandbox.tradestation.instruments import Instrument
from sandbox.tradestation.model import ZERO, Account, Position

MARGIN_LEVERAGE = 4
"""Day-trading buying power of a margin account over its equity."""


def market_value(book: Book, position: Position) -> Decimal:
    """Give a position's value at the last price; negative when short."""
    last = book.market.quote(position.instrument).last
    return position.quantity * last * position.instrument.point_value


def unrealized(book: Book, position: Position) -> Decimal:
    """Give a position's open profit."""
    cost = position.quantity * position.average_price * position.instrument.point_value
    return market_value(book, position) - cost


def equity(book: Book, account: Account) -> Decimal:
    """Give what the account is worth: cash and, of what is held, the value (futures: the open profit)."""
    value = unrealized if account.type == "Futures" else market_value
    return account.cash + sum((value(book, position) for position in account.positions.values()), ZERO)


def initial_margin(account: Account) -> Decimal:
    """Give the initial margin of the futures held."""
    return sum((abs(held.quantity) * held.instrument.margin for held in account.positions.values()), ZERO)


def buying_power(book: Book, account: Account) -> Decimal:
    """Give what may still be bought, working opening orders taken off."""
    reserved = sum(
        (
            opening_cost(account, order.instrument, order.remaining * order.action.sign, order.price_at_entry)
            for order in book.orders_of(account)
            if order.working and order.ticket.may_open
        ),
        ZERO,
    )
    if account.type == "Futures":
        return equity(book, account) - initial_margin(account) - reserved
    if account.type == "Cash":
        return account.cash - reserved
    exposure = sum((abs(market_value(book, held)) for held in account.positions.values()), ZERO)
    return MARGIN_LEVERAGE * equity(book, account) - exposure - reserved


def opening_cost(account: Account, instrument: Instrument, signed: Decimal, price: Decimal) -> Decimal:
    """Give what an order needs for the part of it that opens: its value, or for futures its initial margin."""
    held = account.held(instrument.symbol)
    opening = max(ZERO, abs(held + signed) - abs(held)) if held * signed < 0 else abs(signed)
    if instrument.asset == "FUTURE":
        return opening * instrument.margin
    return opening * abs(price) * instrument.point_value
