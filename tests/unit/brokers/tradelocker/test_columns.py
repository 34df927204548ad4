"""Cells are found by column id, whatever a broker's panels look like."""

from decimal import Decimal

import pytest

from orderbridge.brokers.http import Quota
from orderbridge.brokers.tradelocker.columns import ColumnsChangedError, Panel, read_config
from orderbridge.errors import BrokerUnavailableError
from tests.unit.brokers.tradelocker.fake import CONFIG, ROWS, array, row


def _without(panel: str, column: str) -> object:
    entry = CONFIG["d"][f"{panel}Config"]
    kept = [one for one in entry["columns"] if one["id"] != column]
    return {**CONFIG["d"], f"{panel}Config": {**entry, "columns": kept}}


def test_published_config_gives_panels_limits_and_no_missing_column() -> None:
    config = read_config(CONFIG["d"])

    assert [len(panel.columns) for panel in (config.positions, config.orders, config.history)] == [11, 22, 22]
    assert len(config.executions.columns) == 8
    assert len(config.state.columns) == 26
    assert config.missing == ()
    assert config.max_bars == 20_000
    assert config.quotas["GET_ACCOUNTS_STATE"] == Quota("GET_ACCOUNTS_STATE", 4, 2_000)


def test_shuffled_columns_with_extra_ones_give_the_same_cells() -> None:
    columns = ("commission", *reversed(list(ROWS["position"])), "swap")
    cells = array("positions", {**ROWS["position"], "commission": "1.5", "swap": None}, columns)

    (found,) = Panel("positions", columns).rows([cells])

    assert found.id("id") == "7277816997846858725"
    assert found.number("unrealizedPl") == Decimal("-458.10")


@pytest.mark.parametrize(
    "column",
    ["id", "status", "filledQty", "avgPrice", "positionId", "tradableInstrumentId", "side", "qty", "strategyId"],
)
@pytest.mark.parametrize("panel", ["orders", "ordersHistory"])
def test_order_panel_without_a_needed_column_is_named_as_missing(panel: str, column: str) -> None:
    assert read_config(_without(panel, column)).missing == (f"{panel}.{column}",)


def test_positions_without_label_are_named_as_missing() -> None:
    assert read_config(_without("positions", "strategyId")).missing == ("positions.strategyId",)


def test_optional_column_left_out_is_not_missing() -> None:
    assert read_config(_without("ordersHistory", "takeProfitType")).missing == ()


def test_panel_that_the_config_lacks_has_no_columns_and_misses_them() -> None:
    data = {name: entry for name, entry in CONFIG["d"].items() if name != "ordersHistoryConfig"}

    config = read_config(data)

    assert config.history.columns == ()
    assert "ordersHistory.strategyId" in config.missing


@pytest.mark.parametrize("data", [None, [], "config"])
def test_config_that_is_no_object_is_unavailable(data: object) -> None:
    with pytest.raises(BrokerUnavailableError):
        read_config(data)


def test_row_with_another_length_than_the_panel_asks_for_the_config_again() -> None:
    with pytest.raises(ColumnsChangedError):
        Panel("orders", ("id", "qty")).rows([["1", "2"], ["1", "2", "3"]])


def test_state_may_have_more_cells_than_columns_but_not_fewer() -> None:
    panel = Panel("accountDetails", ("balance", "availableFunds"))

    assert panel.row([1, 2, 3]).number("availableFunds") == 2
    with pytest.raises(ColumnsChangedError):
        panel.row([1])


@pytest.mark.parametrize("none", [None, "", "0", 0, " "])
def test_id_cell_that_means_none_is_none(none: object) -> None:
    assert row("orders", {"positionId": none}).id("positionId") is None


def test_id_of_nineteen_digits_keeps_them_as_text_or_number() -> None:
    assert row("orders", {"id": 7277816997907785466}).id("id") == "7277816997907785466"
    assert row("orders", {"id": "7277816997907785466"}).id("id") == "7277816997907785466"


@pytest.mark.parametrize("text", ["10", "10.0", "10.00", 10, Decimal("10.0")])
def test_quantity_cell_in_any_notation_is_the_same_number(text: object) -> None:
    assert row("orders", {"qty": text}).number("qty") == Decimal(10)


@pytest.mark.parametrize("text", [None, "", "None", "NaN", "Infinity", "ten"])
def test_number_cell_that_is_no_number_is_none(text: object) -> None:
    assert row("orders", {"qty": text}).number("qty") is None


def test_zero_is_a_number_but_no_price() -> None:
    cells = row("orders", {"stopPrice": "0", "filledQty": "0"})

    assert cells.price("stopPrice") is None
    assert cells.number("filledQty") == 0


def test_needed_cell_that_is_missing_makes_the_read_fail_with_its_name() -> None:
    with pytest.raises(BrokerUnavailableError, match=r"orders.*qty"):
        row("orders", {"qty": None}).needed_number("qty")
    with pytest.raises(BrokerUnavailableError, match=r"orders.*id"):
        row("orders", {}).needed_id("id")
