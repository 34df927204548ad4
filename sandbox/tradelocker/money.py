"""Profit, margin and account state, in the account's own currency."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from sandbox.tradelocker.instruments import Instrument
from sandbox.tradelocker.market import Market
from sandbox.tradelocker.model import ZERO, Account, Execution, Position, Side

_CENT = Decimal("0.01")
_DAY_MS = 86_400_000


def cents(amount: Decimal) -> Decimal:
    """Round an amount of money to its cents."""
    return amount.quantize(_CENT)


def profit(
    market: Market, instrument: Instrument, side: Side, qty: Decimal, entry: Decimal, leave: Decimal, currency: str
) -> Decimal:
    """Return the gross profit of `qty` lots opened on `side` at `entry` and left at `leave`."""
    move = leave - entry if side == "buy" else entry - leave
    return cents(move * qty * instrument.lot_size * market.rate(instrument.quoting_currency, currency))


def open_profit(market: Market, position: Position, currency: str, qty: Decimal | None = None) -> Decimal:
    """Return what a position would make if it were closed at the current quote."""
    lots = position.qty if qty is None else qty
    leave = market.side_price(position.instrument, "sell" if position.side == "buy" else "buy")
    return profit(market, position.instrument, position.side, lots, position.avg_price, leave, currency)


def margin(market: Market, instrument: Instrument, qty: Decimal, currency: str) -> Decimal:
    """Return what `qty` lots bind: notional at the middle price over the leverage."""
    notional = qty * instrument.lot_size * market.quote(instrument).mid
    return cents(notional / instrument.leverage * market.rate(instrument.quoting_currency, currency))


def used_margin(market: Market, account: Account) -> Decimal:
    """Return what the open positions bind, each for itself (opposite positions are not netted)."""
    currency = account.seed.currency
    held = account.open_positions()
    return sum((margin(market, one.instrument, one.qty, currency) for one in held), ZERO)


def equity(market: Market, account: Account) -> Decimal:
    """Return cash plus open profit."""
    return account.cash + sum(
        (open_profit(market, one, account.seed.currency) for one in account.open_positions()), ZERO
    )


def available_funds(market: Market, account: Account) -> Decimal:
    """Return what is free for new positions."""
    return equity(market, account) - used_margin(market, account)


def executed_today(account: Account, now_ms: int) -> Iterable[Execution]:
    """Yield the fills since midnight UTC: the current session."""
    midnight = now_ms - now_ms % _DAY_MS
    return (one for one in account.executions if one.at_ms >= midnight)


def state(market: Market, account: Account, fee_per_lot: Decimal, now_ms: int) -> Mapping[str, Decimal]:
    """Return the columns of GET .../state."""
    held = account.open_positions()
    open_gross = sum((open_profit(market, one, account.seed.currency) for one in held), ZERO)
    open_fees = cents(sum((one.qty for one in held), ZERO) * fee_per_lot)
    bound = used_margin(market, account)
    projected = account.cash + open_gross
    free = projected - bound
    today = list(executed_today(account, now_ms))
    gross = sum((one.gross for one in today), ZERO)
    fees = sum((one.fee for one in today), ZERO)
    return {
        "balance": account.cash,
        "projectedBalance": projected,
        "availableFunds": free,
        "blockedBalance": ZERO,
        "cashBalance": account.cash,
        "unsettledCash": ZERO,
        "withdrawalAvailable": max(min(free, account.cash), ZERO),
        "stocksValue": ZERO,
        "optionValue": ZERO,
        "initialMarginReq": bound,
        "maintMarginReq": bound,
        "marginWarningLevel": Decimal(100),
        "blockedForStocks": ZERO,
        "stockOrdersReq": ZERO,
        "stopOutLevel": Decimal(50),
        "warningMarginReq": bound,
        "marginBeforeWarning": free,
        "todayGross": gross,
        "todayNet": gross - fees,
        "todayFees": fees,
        "todayVolume": sum((one.qty for one in today), ZERO),
        "todayTradesCount": Decimal(len(today)),
        "openGrossPnL": open_gross,
        "openNetPnL": open_gross - open_fees,
        "positionsCount": Decimal(len(held)),
        "ordersCount": Decimal(len(account.working_orders())),
    }
