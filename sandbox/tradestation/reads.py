"""The reads of accounts, balances, positions and orders, for several accounts at once, with partial errors."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sandbox.simserver import Request
from sandbox.tradestation import eastern, holdings
from sandbox.tradestation.book import Book
from sandbox.tradestation.model import REJECTED, Account, Order
from sandbox.tradestation.refusals import bad_request
from sandbox.tradestation.rows import Row, order_row

MOST_ACCOUNTS, MOST_IDS, MOST_ORDERS = 25, 50, 600
TOKEN_LIFE_MS = 3_600_000
_SINCE_FORMS = ("%Y-%m-%d", "%m-%d-%Y", "%Y/%m/%d", "%m/%d/%Y")
_FILTER_STATUSES: Mapping[str, Callable[[Order], bool]] = {
    "OPEN": lambda order: not order.final,
    "FILLED": lambda order: order.status.value in ("FLL", "FLP", "BRF"),
    "CANCELLED": lambda order: order.status.value in ("OUT", "EXP", "BRC", "UCH"),
    "CANCELED": lambda order: order.status.value in ("OUT", "EXP", "BRC", "UCH"),
    "REJECTED": lambda order: order.status in REJECTED,
}


class Reads:
    """Answers reads for one user at a time."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def accounts(self, user: str) -> Row:
        """Answer GET accounts."""
        rows = [holdings.account_row(account) for account in self._book.accounts.values() if account.user == user]
        return {"Accounts": rows}

    def balances(self, user: str, ids: str) -> Row:
        """Answer GET balances."""
        return self._per_account(user, ids, "Balances", lambda account: holdings.balance_row(self._book, account))

    def day_balances(self, user: str, ids: str) -> Row:
        """Answer GET bodbalances."""
        return self._per_account(user, ids, "BODBalances", holdings.day_balance_row)

    def positions(self, user: str, ids: str, request: Request) -> Row:
        """Answer GET positions with its symbol filter."""
        wanted = request.param("symbol")
        pattern = holdings.symbol_filter(wanted) if wanted is not None else None
        accounts, errors = self._resolve(user, ids)
        rows = [
            holdings.position_row(self._book, account, position)
            for account in accounts
            for position in account.positions.values()
            if pattern is None or pattern.fullmatch(position.instrument.symbol)
        ]
        return {"Positions": rows, "Errors": errors}

    def orders(self, user: str, ids: str, request: Request) -> Row:
        """Answer GET orders: open ones and today's."""
        accounts, errors = self._resolve(user, ids)
        keep = self._filter(request)
        found = [order for order in self._visible(accounts) if self._current(order) and keep(order)]
        return self._page(found, errors, request, "orders" + ids)

    def orders_by_id(self, user: str, ids: str, order_ids: str) -> Row:
        """Answer GET orders/{ids}: open ones and today's."""
        accounts, errors = self._resolve(user, ids)
        found = [order for order in self._visible(accounts) if self._current(order)]
        return self._picked(found, errors, ids, order_ids)

    def history(self, user: str, ids: str, request: Request) -> Row:
        """Answer GET historicalorders: those that ended since a date, newest first."""
        accounts, errors = self._resolve(user, ids)
        found = self._ended_since(accounts, self._since(request))
        return self._page(found, errors, request, "history" + ids)

    def history_by_id(self, user: str, ids: str, order_ids: str, request: Request) -> Row:
        """Answer GET historicalorders/{ids}."""
        accounts, errors = self._resolve(user, ids)
        return self._picked(self._ended_since(accounts, self._since(request)), errors, ids, order_ids)

    # ---- accounts

    def _per_account(self, user: str, ids: str, key: str, row: Callable[[Account], Row]) -> Row:
        accounts, errors = self._resolve(user, ids)
        return {key: [row(account) for account in accounts], "Errors": errors}

    def _resolve(self, user: str, ids: str) -> tuple[list[Account], list[Row]]:
        names = [name.strip() for name in ids.split(",") if name.strip()]
        if not 1 <= len(names) <= MOST_ACCOUNTS:
            raise bad_request(f"1 to {MOST_ACCOUNTS} Account IDs can be specified.")
        found, errors = [], list[Row]()
        for name in names:
            account = self._book.accounts.get(name.upper())
            if account is not None and account.user == user:
                found.append(account)
            else:
                errors.append({"AccountID": name, "Error": "Forbidden", "Message": "Invalid Account ID."})
        return found, errors

    # ---- orders

    def _visible(self, accounts: Sequence[Account]) -> list[Order]:
        """Give the orders that lists show by now: open ones by time placed, then closed ones by time closed, newest
        first."""
        shown = [
            order
            for order in self._book.orders.values()
            if order.account in accounts and order.visible_from_ms <= self._book.now_ms
        ]
        return sorted(shown, key=lambda order: (order.final, -(order.closed_ms or order.opened_ms), -int(order.id)))

    def _current(self, order: Order) -> bool:
        if not order.final:
            return True
        ended = eastern.wall(order.closed_ms or 0).date()
        return ended == eastern.wall(self._book.now_ms).date()

    def _filter(self, request: Request) -> Callable[[Order], bool]:
        status, symbol = request.param("status"), request.param("symbol")
        mode = self._book.switches["orders_filters"]
        if mode == "ignored" or (status is None and symbol is None):
            return lambda _: True
        if mode == "refused":
            raise bad_request("Unknown query parameter.")
        statuses = [name.strip().upper() for name in (status or "").split(",") if name.strip()]
        if any(name not in _FILTER_STATUSES for name in statuses):
            raise bad_request("Invalid status.")
        pattern = holdings.symbol_filter(symbol) if symbol is not None else None
        return lambda order: (
            (not statuses or any(_FILTER_STATUSES[name](order) for name in statuses))
            and (pattern is None or bool(pattern.fullmatch(order.instrument.symbol)))
        )

    def _ended_since(self, accounts: Sequence[Account], since: date) -> list[Order]:
        return [
            order
            for order in self._visible(accounts)
            if order.final and order.closed_ms is not None and eastern.wall(order.closed_ms).date() >= since
        ]

    def _since(self, request: Request) -> date:
        text = request.param("since")
        if text is None:
            raise bad_request("Missing required parameter: since")
        for form in _SINCE_FORMS:
            try:
                since = datetime.strptime(text, form).date()  # noqa: DTZ007 - a plain date
            except ValueError:
                continue
            depth = timedelta(days=self._book.switches.number("history_depth"))
            if since < eastern.wall(self._book.now_ms).date() - depth:
                raise bad_request(f"since is limited to {depth.days} days prior to the current date.")
            return since
        raise bad_request("Invalid since date.")

    def _picked(self, found: list[Order], errors: list[Row], account_ids: str, order_ids: str) -> Row:
        names = [name.strip() for name in order_ids.split(",") if name.strip()]
        if not 1 <= len(names) <= MOST_IDS:
            raise bad_request(f"1 to {MOST_IDS} Order IDs can be specified.")
        known = {order.id for order in found}
        missing: list[Row] = [
            {"AccountID": account_ids, "OrderID": name, "Error": "NotFound", "Message": "Order not found."}
            for name in names
            if name not in known
        ]
        rows = [order_row(self._book, order) for order in found if order.id in names]
        return {"Orders": rows, "Errors": [*errors, *missing]}

    # ---- pages

    def _page(self, found: list[Order], errors: list[Row], request: Request, what: str) -> Row:
        size_text, token = request.param("pageSize"), request.param("nextToken")
        size = MOST_ORDERS
        if size_text is not None:
            if not (size_text.isascii() and size_text.isdigit() and 1 <= int(size_text) <= MOST_ORDERS):
                raise bad_request(f"pageSize must be 1 to {MOST_ORDERS}.")
            size = int(size_text)
        begin = self._position_in(found, token, what) if token is not None else 0
        page = found[begin : begin + size]
        reply: Row = {"Orders": [order_row(self._book, order) for order in page], "Errors": errors}
        if size_text is not None and begin + size < len(found):
            reply["NextToken"] = self._next_token(page[-1], what)
        return reply

    def _next_token(self, last: Order, what: str) -> str:
        fields = {"after": last.id, "dies": self._book.now_ms + TOKEN_LIFE_MS, "of": _fingerprint(what)}
        return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()

    def _position_in(self, found: list[Order], token: str, what: str) -> int:
        """Give where the page after the token's order begins, also if orders have come or moved since."""
        try:
            fields = json.loads(base64.urlsafe_b64decode(token.encode()))
            after, dies, of = str(fields["after"]), int(fields["dies"]), fields["of"]
        except (ValueError, KeyError, TypeError):
            raise bad_request("Invalid nextToken.") from None
        ids = [order.id for order in found]
        if dies <= self._book.now_ms or of != _fingerprint(what) or after not in ids:
            raise bad_request("Invalid nextToken.")
        return ids.index(after) + 1


def _fingerprint(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()[:12]
