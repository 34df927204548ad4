"""Futures roots that TradeStation writes in another way than the exchange and TradingView do.

Left the exchange's root, right TradeStation's. Roots that are not listed are equal (ES, MES, NQ, CL, GC, ...). The
pairs are those that TradeStation's symbology pages and QuantConnect's LEAN adapter for TradeStation use.

Pure and lean: the alert receiver imports this.
"""

TRADESTATION_ROOTS = {
    # stock index
    "NKD": "NK",
    "RX": "REI",
    # interest rates
    "ZB": "US",
    "ZF": "FV",
    "ZN": "TY",
    "ZT": "TU",
    "TN": "TEN",
    "GE": "ED",
    # currencies
    "6A": "AD",
    "6B": "BP",
    "6C": "CD",
    "6E": "EC",
    "6J": "JY",
    "6L": "BR",
    "6M": "MP1",
    "6N": "NE1",
    "6R": "RU",
    "6S": "SF",
    "6Z": "RA",
    # grains, meats, wood
    "KE": "KW",
    "ZC": "C",
    "ZL": "BO",
    "ZM": "SM",
    "ZO": "O",
    "ZS": "S",
    "ZW": "W",
    "GF": "FC",
    "HE": "LH",
    "LE": "LC",
    "LBS": "LB",
    # energy
    "B": "BRN",
}

EXCHANGE_ROOTS = {theirs: exchange for exchange, theirs in TRADESTATION_ROOTS.items()}

SHARED_ROOTS = frozenset({"BRN"})
"""Roots of TradeStation that TradingView uses for the same product, beside the exchange's own (Brent: `BRN1!`)."""

FUTURES_EXCHANGES = frozenset(
    {
        "CBOE",
        "CBOT",
        "CBOT_MINI",
        "CFE",
        "CME",
        "CME_MINI",
        "COMEX",
        "COMEX_MINI",
        "EUREX",
        "ICEEUR",
        "ICEUS",
        "NYMEX",
        "NYMEX_MINI",
    }
)
"""TradingView's names of the exchanges whose roots TradeStation carries. Elsewhere the same letters can be another
product: `MOEX:SI1!` is a currency, TradeStation's `SI` is silver."""
