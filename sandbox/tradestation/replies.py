"""The replies of placing, confirming and changing orders, in the form that the switches ask for."""

from collections.abc import Sequence

from sandbox.simserver import Response
from sandbox.tradestation import messages
from sandbox.tradestation.book import Book
from sandbox.tradestation.confirm_ids import ConfirmIds
from sandbox.tradestation.desk import FAILED, Entries
from sandbox.tradestation.model import Ticket
from sandbox.tradestation.refusals import HttpRefusal, OrderRefusal
from sandbox.tradestation.rows import Row
from sandbox.tradestation.switches import Switches
from sandbox.tradestation.text import rounded

_CATEGORIES = {"STOCK": "EQUITY", "STOCKOPTION": "STOCKOPTION", "FUTURE": "FUTURE"}


def placed(switches: Switches, entries: Entries) -> Response:
    """Word the reply to a placing: refusals stand in Errors, or with an Error among the Orders."""
    if switches["reject_form"] == "orders":
        body: Row = {"Orders": [entry.as_json() for entry in entries]}
        refused: list[dict[str, str]] = []
    else:
        body = {"Orders": [entry.as_json() for entry in entries if not entry.refused]}
        refused = [entry.as_json() for entry in entries if entry.refused]
    if refused or switches["errors_field"] == "list":
        body["Errors"] = refused
    elif switches["errors_field"] == "null":
        body["Errors"] = None
    return _wrapped(switches, body)


def confirmed(book: Book, user: str, tickets: Sequence[Ticket], confirm_ids: ConfirmIds[Entries]) -> Response:
    """Word the reply to a confirm: one confirmation for each order, each with an OrderConfirmID of its own."""
    rows = [_confirmation(book, ticket, confirm_ids.make(user)) for ticket in tickets]
    return _wrapped(book.switches, {"Confirmations": rows})


def _confirmation(book: Book, ticket: Ticket, confirm_id: str) -> Row:
    instrument = ticket.instrument
    price = ticket.limit_price or ticket.stop_price or book.market.quote(instrument).touch(ticket.action.sign)
    cost = price * ticket.quantity * instrument.point_value
    margin = instrument.margin * ticket.quantity
    row: Row = {
        "OrderAssetCategory": _CATEGORIES[instrument.asset],
        "Currency": "USD",
        "DisplayName": ticket.account_id,
        "Route": ticket.route or "Intelligent",
        "TimeInForce": {"Duration": ticket.duration},
        "AccountID": ticket.account_id,
        "OrderConfirmID": confirm_id,
        "EstimatedPrice": rounded(price),
        "EstimatedCost": rounded(cost),
        "DebitCreditEstimatedCost": rounded(cost * ticket.action.sign),
        "EstimatedCommission": rounded(instrument.commission * ticket.quantity),
        "SummaryMessage": messages.summary(ticket, ticket.stop_price),
    }
    if ticket.limit_price is not None:
        row["LimitPrice"] = rounded(ticket.limit_price)
    if ticket.stop_price is not None:
        row["StopPrice"] = rounded(ticket.stop_price)
    if instrument.asset == "FUTURE":
        row |= {
            "InitialMarginDisplay": f"{margin:,.2f} USD",
            "ProductCurrency": "USD",
            "AccountCurrency": "USD",
        }
    return row


def changed(order_id: str, message: str) -> Response:
    """Word the reply to a replace or cancel that was sent."""
    return Response.json_of({"Message": message, "OrderID": order_id})


def change_refused(switches: Switches, order_id: str, refusal: OrderRefusal) -> Response:
    """Word the refusal of a replace or cancel: a 400, or a 200 with an Error."""
    if switches["change_reject_form"] == "http_400":
        return refused(HttpRefusal(400, refusal.reason))
    return Response.json_of({"OrderID": order_id, "Message": refusal.reason, "Error": FAILED})


def refused(refusal: HttpRefusal) -> Response:
    """Word an HTTP error."""
    return Response.json_of({"Error": refusal.error, "Message": refusal.message}, refusal.status)


def _wrapped(switches: Switches, body: Row) -> Response:
    return Response.json_of([body] if switches["response_wrapper"] == "array" else body)
