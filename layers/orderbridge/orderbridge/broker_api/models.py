"""TradingView's models, as far as the bridge serves them: the keys of every answer, checked by the type checker.

Names and meaning: REST API for Brokers 1.4.27. Numbers are JSON numbers, ids are text, nothing is null.
"""

from typing import Literal, NotRequired, TypedDict

Number = int | float
SideName = Literal["buy", "sell"]
OrderTypeName = Literal["market", "stop", "limit", "stoplimit"]
StatusName = Literal["placing", "inactive", "working", "rejected", "filled", "cancelled"]


class Message(TypedDict):
    text: str
    type: Literal["information", "warning", "error"]


class OrderDuration(TypedDict):
    type: str


class OrderModel(TypedDict):
    id: str
    instrument: str
    qty: Number
    side: SideName
    type: OrderTypeName
    status: StatusName
    filledQty: NotRequired[Number]
    avgPrice: NotRequired[Number]
    limitPrice: NotRequired[Number]
    stopPrice: NotRequired[Number]
    trailingStopPips: NotRequired[Number]
    isTrailingStop: NotRequired[bool]
    parentId: NotRequired[str]
    parentType: NotRequired[Literal["order", "position"]]
    duration: NotRequired[OrderDuration]
    lastModified: NotRequired[Number]
    message: NotRequired[Message]


class PositionModel(TypedDict):
    id: str
    instrument: str
    qty: Number
    side: SideName
    avgPrice: Number
    unrealizedPl: NotRequired[Number]
    message: NotRequired[Message]


class NetPositionModel(TypedDict):
    id: str
    instrument: str
    qty: Number
    longQty: Number
    shortQty: Number
    avgPrice: NotRequired[Number]
    message: NotRequired[Message]


class IndividualPositionModel(TypedDict):
    id: str
    instrument: str
    date: str
    qty: Number
    side: SideName
    price: Number
    unrealizedPl: NotRequired[Number]
    message: NotRequired[Message]


class ExecutionModel(TypedDict):
    id: str
    instrument: str
    price: Number
    time: Number
    qty: Number
    side: SideName
    orderId: str
    isClose: bool
    positionId: NotRequired[str]


class StateModel(TypedDict):
    balance: Number
    unrealizedPl: Number
    equity: Number
    accountSummaryRowData: list[str]
    amData: list[list[list[str]]]
    marginAvailable: NotRequired[Number]


class InstrumentModel(TypedDict):
    name: str
    description: str
    minQty: Number
    qtyStep: Number
    pipSize: Number
    pipValue: Number
    minTick: Number
    type: str
    maxQty: NotRequired[Number]
    units: NotRequired[str]
    variableMinTick: NotRequired[str]
    typespecs: NotRequired[str]


class QuoteValues(TypedDict):
    ask: Number
    bid: Number
    buyPipValue: NotRequired[Number]
    sellPipValue: NotRequired[Number]
    halted: NotRequired[bool]


class QuoteModel(TypedDict):
    s: Literal["ok", "error"]
    n: str
    v: QuoteValues


class DepthModel(TypedDict):
    asks: list[list[Number]]
    bids: list[list[Number]]


class PreviewRow(TypedDict):
    title: str
    value: str


class PreviewSection(TypedDict):
    rows: list[PreviewRow]
    header: NotRequired[str]


class PreviewModel(TypedDict):
    sections: list[PreviewSection]
    warnings: NotRequired[list[str]]
    errors: NotRequired[list[str]]


class PlacedModel(TypedDict):
    orderId: NotRequired[str]
    transactionId: str


class TransactionModel(TypedDict):
    transactionId: str


class SummaryItem(TypedDict):
    id: str
    title: str


class Column(TypedDict):
    id: str
    title: str
    alignment: NotRequired[Literal["left", "right"]]


class Table(TypedDict):
    id: str
    title: str
    columns: list[Column]


class DurationModel(TypedDict):
    id: str
    title: str
    supportedOrderTypes: list[OrderTypeName]
    default: NotRequired[bool]


class PullingInterval(TypedDict):
    quotes: Number
    orders: Number
    positions: Number
    accountManager: Number
    balances: Number


class ConfigModel(TypedDict):
    accountSummaryRow: list[SummaryItem]
    accountManager: list[Table]
    pullingInterval: PullingInterval


class AccountModel(TypedDict):
    id: str
    name: str
    type: Literal["live", "demo"]
    currency: str
    config: dict[str, bool]
    durations: list[DurationModel]
    currencySign: NotRequired[str]


class MappingRow(TypedDict):
    f: list[str]
    s: str


class MappingModel(TypedDict):
    symbols: list[MappingRow]
    fields: list[Literal["brokerSymbol"]]
