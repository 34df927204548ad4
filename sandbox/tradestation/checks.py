"""Whether an order may be placed, in the service's order: account, match, prices, increments, position, money."""

from decimal import Decimal

from sandbox.tradestation import money
from sandbox.tradestation.book import Book
from sandbox.tradestation.eastern import wall
from sandbox.tradestation.fitting import position_misfit
from sandbox.tradestation.instruments import Instrument
from sandbox.tradestation.model import (
    EQUITY_ACTIONS,
    FUTURE_ACTIONS,
    OPTION_ACTIONS,
    Account,
    Action,
    Group,
    Order,
    Ticket,
)
from sandbox.tradestation.refusals import OrderRefusal, bad_request
from sandbox.tradestation.sessions import PLUS

_FUTURE_DURATIONS = frozenset({"DAY", "GTC", "GTD", "IOC", "FOK"})
_OPTION_DURATIONS = _FUTURE_DURATIONS | {"OPG"}
_ACTIONS = {"STOCK": EQUITY_ACTIONS, "FUTURE": FUTURE_ACTIONS, "STOCKOPTION": OPTION_ACTIONS}
MAXIMUM_OVER_LAST = 50
"""A limit this many times above the last price is over the absolute maximum (the number is ours)."""


def check_ticket(book: Book, account: Account, ticket: Ticket, *, waiting: bool, group: Group | None) -> None:
    """Check one order. A waiting child's position and money are judged when it is released.

    Raises `HttpRefusal` for what is wrong with the request, `OrderRefusal` for what the desk does not take.
    """
    instrument = ticket.instrument
    if (account.type == "Futures") != (instrument.asset == "FUTURE"):
        raise OrderRefusal("Request not supported for account type.")
    if ticket.action not in _ACTIONS[instrument.asset]:
        raise OrderRefusal(f"Invalid trade action {ticket.action} for asset type {instrument.asset}")
    _check_warning(book, account, ticket)
    _check_type(book, ticket)
    _check_prices(book, ticket)
    _check_standing(book, account, ticket, waiting=waiting)
    if waiting:
        return
    misfit = position_misfit(book, account, instrument, ticket.action, ticket.quantity, group)
    if misfit:
        raise OrderRefusal(misfit)
    _check_money(book, account, ticket)


def check_increment(instrument: Instrument, *prices: Decimal | None) -> None:
    """Check that prices are ones that may be ordered. Raises `OrderRefusal` with the service's wording."""
    for price in prices:
        if price is not None and not instrument.on_increment(price):
            raise OrderRefusal(
                f"Price = {price:.8f} not rounded to a valid price increment [{instrument.increment.normalize():f}]"
            )


def check_more(book: Book, order: Order, more: Decimal) -> None:
    """Check that an order may grow by this quantity. Raises `OrderRefusal`."""
    misfit = position_misfit(
        book, order.account, order.instrument, order.action, order.remaining + more, order.group, order
    )
    if misfit and order.released:
        raise OrderRefusal(misfit)


def _check_warning(book: Book, account: Account, ticket: Ticket) -> None:
    needed = book.switches["buying_power_warning"] == "required" and account.reg_t
    if needed and (ticket.buying_power_warning or "").upper() not in ("ENFORCE", "PRECONFIRMED", "CONFIRMED"):
        raise bad_request("BuyingPowerWarning is required for this account.")


def _check_type(book: Book, ticket: Ticket) -> None:
    asset, duration = ticket.instrument.asset, ticket.duration
    durations = {"FUTURE": _FUTURE_DURATIONS, "STOCKOPTION": _OPTION_DURATIONS}.get(asset)
    if durations is not None and duration not in durations:
        raise OrderRefusal(f"Duration {duration} is not valid for asset type {asset}")
    if ticket.trail is not None:
        if ticket.type != "StopMarket":
            raise bad_request("Trailing stop is only valid for StopMarket orders.")
        refused = book.switches["percent_trail_on_futures"] == "refused"
        if asset == "FUTURE" and ticket.trail.percent is not None and refused:
            raise OrderRefusal("Trailing stop percent is not valid for futures")
    refused = book.switches["extended_market_orders"] == "refused"
    if duration in PLUS and ticket.type != "Limit" and refused:
        raise OrderRefusal("Only limit orders are accepted in the extended session")
    if ticket.expiration is not None and ticket.expiration < wall(book.now_ms).date():
        raise OrderRefusal("Expiration date is in the past")


def _check_prices(book: Book, ticket: Ticket) -> None:
    amount = ticket.trail.amount if ticket.trail else None
    check_increment(ticket.instrument, ticket.limit_price, ticket.stop_price, amount)
    if ticket.instrument.asset != "FUTURE" and any(
        price is not None and price <= 0 for price in (ticket.limit_price, ticket.stop_price)
    ):
        raise bad_request("Invalid limit price." if ticket.limit_price is not None else "Invalid stop price.")
    last = book.market.quote(ticket.instrument).last
    if ticket.limit_price is not None and ticket.limit_price > MAXIMUM_OVER_LAST * abs(last):
        raise OrderRefusal("Type = LMT has invalid Price greater than absolute maximum")


def _check_standing(book: Book, account: Account, ticket: Ticket, *, waiting: bool) -> None:
    opens = ticket.may_open and not waiting
    if opens and ticket.instrument.asset == "FUTURE":
        held = account.held(ticket.instrument.symbol)
        opens = held * ticket.action.sign >= 0 or ticket.quantity > abs(held)
    if opens and account.status != "Active":
        raise OrderRefusal(f"Account is restricted: {account.status}")
    if ticket.action is Action.SELLSHORT:
        if account.type == "Cash":
            raise OrderRefusal("Short sales are not permitted in a cash account")
        if book.market.quote(ticket.instrument).hard_to_borrow:
            raise OrderRefusal("SL0350: Symbol is not easy to borrow, a locate is needed")


def _check_money(book: Book, account: Account, ticket: Ticket) -> None:
    if not ticket.may_open:
        return
    price = ticket.limit_price or ticket.stop_price or book.market.quote(ticket.instrument).touch(ticket.action.sign)
    cost = money.opening_cost(account, ticket.instrument, ticket.quantity * ticket.action.sign, price)
    if cost > money.buying_power(book, account):
        raise OrderRefusal("Insufficient buying power")
