"""Accounts, balances and positions as rows of the service's JSON."""

import re

from sandbox.tradestation import money
from sandbox.tradestation.book import Book
from sandbox.tradestation.eastern import utc_text
from sandbox.tradestation.model import ZERO, Account, Position
from sandbox.tradestation.rows import Row, with_nulls
from sandbox.tradestation.text import plain, rounded

_MAINTENANCE = 10, 11
"""Maintenance margin of a future over its initial margin, as a fraction."""


def account_row(account: Account) -> Row:
    """Give an account as `GET accounts` has it; futures accounts have no details."""
    row: Row = {
        "AccountID": account.id,
        "Currency": "USD",
        "Status": account.status,
        "AccountType": account.type,
    }
    if account.type != "Futures":
        row["AccountDetail"] = {
            "IsStockLocateEligible": False,
            "EnrolledInRegTProgram": account.reg_t,
            "RequiresBuyingPowerWarning": account.reg_t,
            "CryptoEnabled": False,
            "DayTradingQualified": True,
            "OptionApprovalLevel": 3,
            "PatternDayTrader": False,
        }
    return row


def balance_row(book: Book, account: Account) -> Row:
    """Give an account's real-time balance; which details appear depends on its type."""
    opened = sum((money.unrealized(book, held) for held in account.positions.values()), ZERO)
    value = sum((money.market_value(book, held) for held in account.positions.values()), ZERO)
    row: Row = {
        "AccountID": account.id,
        "AccountType": account.type,
        "CashBalance": rounded(account.cash),
        "BuyingPower": rounded(money.buying_power(book, account)),
        "Equity": rounded(money.equity(book, account)),
        "MarketValue": rounded(value),
        "TodaysProfitLoss": rounded(account.realized + opened),
        "UnclearedDeposit": "0",
        "Commission": plain(account.commission),
    }
    if account.type == "Futures":
        margin = money.initial_margin(account)
        shared = {
            "RealizedProfitLoss": rounded(account.realized),
            "UnrealizedProfitLoss": rounded(opened),
            "InitialMargin": plain(margin),
            "MaintenanceMargin": rounded(margin * _MAINTENANCE[0] / _MAINTENANCE[1], 2),
        }
        row["BalanceDetail"] = {
            **shared,
            "DayTradeExcess": rounded(money.buying_power(book, account)),
            "DayTradeOpenOrderMargin": "0",
            "OpenOrderMargin": "0",
            "DayTradeMargin": plain(margin),
            "TradeEquity": rounded(opened),
            "SecurityOnDeposit": "0",
            "TodayRealTimeTradeEquity": rounded(opened),
        }
        row["CurrencyDetails"] = [
            {
                "Currency": "USD",
                "Commission": plain(account.commission),
                "CashBalance": rounded(account.cash),
                "AccountConversionRate": "1",
                **shared,
            }
        ]
        return row
    cost = sum((abs(held.quantity) * held.average_price for held in account.positions.values()), ZERO)
    row["BalanceDetail"] = {
        "CostOfPositions": rounded(cost),
        "DayTrades": "0",
        "MaintenanceRate": rounded(cost / 4, 2),
        "OptionBuyingPower": rounded(account.cash),
        "OptionsMarketValue": "0",
        "OvernightBuyingPower": rounded(money.buying_power(book, account) / 2, 2),
        "RequiredMargin": rounded(cost / 2, 2),
        "RealizedProfitLoss": rounded(account.realized),
        "UnrealizedProfitLoss": rounded(opened),
    }
    return row


def day_balance_row(account: Account) -> Row:
    """Give an account's balance at the beginning of the day."""
    start = plain(account.starting_cash)
    row: Row = {"AccountID": account.id, "AccountType": account.type}
    if account.type == "Futures":
        row["BalanceDetail"] = {
            "Equity": start,
            "CashAvailableToWithdraw": start,
            "NetCash": start,
            "OpenTradeEquity": "0",
            "SecurityOnDeposit": "0",
        }
        row["CurrencyDetails"] = [
            {
                "Currency": "USD",
                "CashBalance": start,
                "AccountOpenTradeEquity": "0",
                "AccountSecurities": "0",
                "OpenTradeEquity": "0",
                "Securities": "0",
            }
        ]
        return row
    row["BalanceDetail"] = {
        "AccountBalance": start,
        "CashAvailableToWithdraw": start,
        "DayTradingMarginableBuyingPower": start,
        "DayTrades": "0",
        "Equity": start,
        "NetCash": start,
        "OptionBuyingPower": start,
        "OptionValue": "0",
        "OvernightBuyingPower": start,
    }
    return row


def position_row(book: Book, account: Account, position: Position) -> Row:
    """Give a position as `GET positions` has it; Quantity is negative when short."""
    instrument, quote = position.instrument, book.market.quote(position.instrument)
    cost = abs(position.quantity) * position.average_price * instrument.point_value
    profit = money.unrealized(book, position)
    margin = abs(position.quantity) * instrument.margin
    shown = book.switches["position_average_price"] == "present"
    row: Row = {
        "AccountID": account.id,
        "AssetType": instrument.asset,
        "AveragePrice": rounded(position.average_price) if shown else None,
        "Last": plain(quote.last),
        "Bid": plain(quote.bid),
        "Ask": plain(quote.ask),
        "ConversionRate": "1",
        "DayTradeRequirement": plain(margin),
        "ExpirationDate": f"{instrument.expiration}T00:00:00Z" if instrument.expiration else None,
        "InitialRequirement": plain(margin),
        "LongShort": "Long" if position.quantity > 0 else "Short",
        "MaintenanceMargin": rounded(margin * _MAINTENANCE[0] / _MAINTENANCE[1], 2),
        "MarketValue": rounded(money.market_value(book, position)),
        "MarkToMarketPrice": rounded(position.average_price),
        "PositionID": position.id,
        "Quantity": plain(position.quantity),
        "Symbol": instrument.symbol,
        "Timestamp": utc_text(position.opened_ms),
        "TodaysProfitLoss": rounded(profit),
        "TotalCost": rounded(cost),
        "UnrealizedProfitLoss": rounded(profit),
        "UnrealizedProfitLossPercent": rounded(profit * 100 / cost, 3) if cost else "0",
        "UnrealizedProfitLossQty": rounded(profit / abs(position.quantity), 4),
    }
    return with_nulls(book, row, ("AveragePrice", "ExpirationDate"), int(position.id))


def symbol_filter(text: str) -> re.Pattern[str]:
    """Give the pattern of a comma list of symbols in which `*` stands for anything."""
    parts = [re.escape(part.strip().upper()).replace(r"\*", ".*") for part in text.split(",") if part.strip()]
    return re.compile("|".join(f"(?:{part})" for part in parts) or "(?!)")
