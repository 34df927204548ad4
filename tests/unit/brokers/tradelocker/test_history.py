"""A cut history is read to the end, whichever end was cut and whichever date the range is about."""

from collections.abc import Sequence

import pytest

from orderbridge.brokers.tradelocker.columns import Row
from orderbridge.brokers.tradelocker.history import Page, read_all
from orderbridge.errors import BrokerUnavailableError
from tests.unit.brokers.tradelocker.fake import row


def _rows(moments: Sequence[int], lag: int = 0) -> list[Row]:
    cells = [
        {"id": f"7{n}", "createdDate": str(moment), "lastModified": str(moment + lag)}
        for n, moment in enumerate(moments)
    ]
    return [row("ordersHistory", one) for one in cells]


def _pages(
    rows: Sequence[Row], most: int, *, newest: bool, date: str = "createdDate"
) -> tuple[Page, list[tuple[int, int]]]:
    asked: list[tuple[int, int]] = []

    def page(start: int, end: int) -> tuple[Sequence[Row], bool]:
        asked.append((start, end))
        found = sorted((one for one in rows if start <= one.moment(date) <= end), key=lambda one: one.moment(date))
        return (found[-most:] if newest else found[:most]), len(found) > most

    return page, asked


def test_history_that_fits_is_read_once() -> None:
    page, asked = _pages(_rows([10, 20, 30]), 5, newest=True)

    assert len(read_all(page, 0, 100)) == 3
    assert asked == [(0, 100)]


@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("date", ["createdDate", "lastModified"])
def test_cut_history_gives_every_row_once(newest: bool, date: str) -> None:
    rows = _rows([*range(1_000, 1_040, 2), 50_000, 90_000], lag=300)
    page, _ = _pages(rows, 4, newest=newest, date=date)

    found = read_all(page, 0, 100_000)

    assert sorted(one.text("id") for one in found) == sorted(one.text("id") for one in rows)


def test_more_rows_in_a_moment_than_the_platform_gives_is_unavailable() -> None:
    page, _ = _pages(_rows([50] * 9), 4, newest=True)

    with pytest.raises(BrokerUnavailableError, match="single moment"):
        read_all(page, 0, 100)


@pytest.mark.parametrize(("newest", "beside"), [(True, 49_990), (False, 50_010)])
def test_moment_that_fills_a_page_is_read_apart_and_not_searched_for(newest: bool, beside: int) -> None:
    rows = _rows([50_000] * 4 + [beside])
    page, asked = _pages(rows, 4, newest=newest)

    found = read_all(page, 0, 100_000)

    assert len(found) == 5
    assert len(asked) <= 5, "the quota allows one request a second"
