"""What the service may do wrong, and what is made of it: nothing partial, nothing without end."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from werkzeug import Response

from migdev.errors import SourceError, SourceWarning
from migdev.sources.http import Fetcher
from migdev.sources.worldbank.indicators import WorldBank
from tests.sources.worldbank.playing import NAMES, page, row

# ---------------------------------------------------------------------- partial data


def test_a_page_that_repeats_another_is_no_whole_answer(service, bank):
    rows = [row("A.GOOD", i, y, float(y)) for i in ("MEX", "MDA") for y in range(1990, 2000)]

    def stuck(number: int, codes: list[str]) -> Response:
        return service.json(page(rows[:10], number, 2, total=20))  # the total fits, the rows do not

    service.hook = stuck
    with pytest.raises(SourceError, match="10 of their 20 rows come twice"):
        bank.fetch(["A.GOOD"])


@pytest.mark.parametrize("value", ["12,5", "1 234", "n/a", True, [1]])
def test_a_value_that_is_no_number_costs_the_series_and_no_other(service, bank, value):
    def odd(number: int, codes: list[str]) -> Response:
        rows = [row("A.GOOD", "MEX", 2000, 1.5), row("A.GOOD", "MEX", 2001, "2.5"),
                row("B.GOOD", "MEX", 2000, 3.0), row("B.GOOD", "MEX", 2001, value)]  # fmt: skip
        return service.json(page(rows))

    service.hook = odd
    with pytest.warns(SourceWarning, match=r"B.GOOD \(its value .* for MEX in 2001 is no number"):
        got = bank.fetch(["A.GOOD", "B.GOOD"])
    assert got.frame["A.GOOD"].tolist() == [1.5, 2.5]
    assert "B.GOOD" not in got.frame


@pytest.mark.parametrize(
    "rows",
    [
        [row("A.GOOD", "MEX", 2000, None)],  # a year, and no value in it
        [row("A.GOOD", "WLD", 2000, 1.0)],  # an aggregate alone
    ],
)
def test_an_answer_without_a_value_is_an_error(service, bank, rows):
    service.hook = lambda number, codes: service.json(page(rows))
    with pytest.raises(SourceError, match="gave none of 'A.GOOD'.*the answer held no value"):
        bank.fetch(["A.GOOD"])


def test_a_series_that_breaks_the_service_does_not_lose_the_others(service, bank):
    NAMES["C.HEAVY"] = "breaks every answer that holds it"
    try:
        service.hook = lambda number, codes: (
            Response("internal error", status=500) if "C.HEAVY" in codes else None
        )
        with pytest.warns(SourceWarning, match=r"C.HEAVY \(.*HTTP status 500"):
            got = bank.fetch(["A.GOOD", "C.HEAVY", "B.GOOD"])
    finally:
        del NAMES["C.HEAVY"]
    assert {"A.GOOD", "B.GOOD"} <= set(got.frame)
    assert set(got.provenance.missing) == {"C.HEAVY"}


def test_a_service_that_is_down_is_not_asked_for_ever(service, bank):
    many = [f"X{i:02d}" for i in range(60)]
    service.hook = lambda number, codes: Response("down", status=503)
    with pytest.raises(SourceError, match="gave none of"):
        bank.fetch(many)
    assert service.asked.total() < 30


def test_without_an_answer_the_cache_gives_what_it_holds(service, bank, tmp_path, monkeypatch):
    bank.fetch(["A.GOOD"])
    asked = []

    def refuse(method, url, **_):
        asked.append(url)
        raise httpx.ConnectError("connection refused")

    monkeypatch.setattr(httpx, "stream", refuse)
    with pytest.warns(SourceWarning, match=r"B.GOOD \(.*could not be read \(connection refused"):
        got = bank.fetch(["A.GOOD", "B.GOOD"])
    assert len(got.frame) == 6
    assert len(asked) == bank.attempts  # the halves of the batch are looked up, not asked for


# ---------------------------------------------------------------------- answers of other shapes


@pytest.mark.parametrize(
    "spoilt",
    [
        {"countryiso3code": None, "country": None},
        {"indicator": None},
        {"date": None},
        {"value": "absent"},
    ],
)
def test_rows_of_another_shape(service, bank, spoilt):
    bad = {**row("A.GOOD", "MEX", 2000, 1.0), **spoilt}
    if spoilt.get("value") == "absent":
        del bad["value"]
    service.hook = lambda number, codes: service.json(page([bad]))
    with pytest.raises(SourceError, match="not in its usual form"):
        bank.fetch(["A.GOOD"])


def test_rows_without_a_code_of_their_country_take_its_other_one(service, bank):
    bad = row("A.GOOD", "MEX", 2000, 1.0)
    del bad["countryiso3code"]
    bad["country"]["id"] = "MEX"
    service.hook = lambda number, codes: service.json(page([bad]))
    assert bank.fetch(["A.GOOD"]).frame["iso3"].tolist() == ["MEX"]


def test_an_empty_list_of_countries(service, bank, monkeypatch):
    monkeypatch.setattr("tests.sources.worldbank.playing.COUNTRIES", [])
    with pytest.raises(SourceError, match="gave an empty list of countries"):
        bank.countries()


def test_an_answer_that_is_none_of_the_archives(service, bank, monkeypatch):
    monkeypatch.setattr(service, "archive", lambda path: page([row("A.GOOD", "MEX", 2000, 1.0)]))
    with pytest.raises(SourceError, match="not one of the archives"):
        bank.fetch(["A.GOOD"], vintage="2017-04")


# ---------------------------------------------------------------------- versions in the cache


def test_a_version_in_the_cache_is_had_by_its_date(service, bank, tmp_path):
    bank.fetch(["A.GOOD"])
    service.updated, service.offset = "2026-10-01", 100
    fresh = WorldBank(base=bank.base, cache_dir=tmp_path, max_age_days=0.0)
    fresh.fetch(["A.GOOD"])
    for offline in (True, False):
        reader = WorldBank(base=bank.base, cache_dir=tmp_path, offline=offline, max_age_days=30)
        old = reader.fetch(["A.GOOD"], vintage="2026-07-13")
        assert old.frame["A.GOOD"].max() < 100
        assert (old.provenance.vintage, old.provenance.dataset) == (
            "2026-07-13", "World Development Indicators",
        )  # fmt: skip
        new = reader.fetch(["A.GOOD"], vintage="2026-10-01")
        assert new.frame["A.GOOD"].min() >= 100
    with pytest.raises(SourceError, match=r"no copy of the version 2025-01-01.*that of 2026-10-01"):
        fresh.fetch(["A.GOOD"], vintage="2025-01-01")


@pytest.mark.parametrize(
    "index",
    [b"\xff\xfe\x00not text", b"[{\"request\": 1}]", b"{", b"[1]",
     lambda entries: [{**e, "retrieved": "yesterday"} for e in entries],
     lambda entries: [{**e, "retrieved": "2026-01-01T00:00:00"} for e in entries]],
)  # fmt: skip
def test_a_spoilt_index_costs_a_request_and_no_more(service, bank, tmp_path, index):
    bank.fetch(["A.GOOD"])
    asked = service.asked.total()
    for place in (tmp_path / "worldbank" / "index").iterdir():
        held = json.loads(place.read_bytes())
        place.write_bytes(json.dumps(index(held)).encode() if callable(index) else index)
    assert len(bank.fetch(["A.GOOD"]).frame) == 6
    assert service.asked.total() == 2 * asked
    assert len(bank.fetch(["A.GOOD"]).frame) == 6
    assert service.asked.total() == 2 * asked  # the index is whole again


# ---------------------------------------------------------------------- bounds


@pytest.mark.parametrize("dated", [False, True])
def test_the_service_says_when_to_come_again(service, bank, dated):
    at = datetime.now(UTC) + timedelta(seconds=2)
    told = format_datetime(at, usegmt=True) if dated else "1"
    service.moods = [Response("slow down", status=429, headers={"Retry-After": told})]
    begin = time.monotonic()
    assert len(bank.fetch(["A.GOOD"]).frame) == 6
    assert time.monotonic() - begin >= 0.9  # its own wait would be a hundredth of a second


def test_a_wait_of_hours_is_not_waited(service, bank, tmp_path):
    bank.fetch(["A.GOOD"])
    later = WorldBank(base=bank.base, cache_dir=tmp_path, max_age_days=0.0, wait=0.01)
    service.moods = [
        Response("closed", status=503, headers={"Retry-After": "7200"}) for _ in range(9)
    ]
    begin = time.monotonic()
    with pytest.warns(SourceWarning, match="because the service asks to wait 7200 seconds"):
        assert len(later.fetch(["A.GOOD"]).frame) == 6
    assert time.monotonic() - begin < 10


def test_a_claim_of_a_million_pages_is_not_followed(service, bank):
    def endless(number: int, codes: list[str]) -> Response:
        return service.json(page([row("A.GOOD", "MEX", number, 1.0)], number, 10**6, total=10**6))

    service.hook = endless
    with pytest.raises(SourceError, match="promises 1,000,000 pages"):
        bank.fetch(["A.GOOD"])
    assert service.asked.total() == 1


def test_an_answer_without_end_in_size(httpserver, tmp_path):
    httpserver.expect_request("/big").respond_with_data(b"x" * 5000)
    fetcher = Fetcher(source="s", cache_dir=tmp_path, largest=1000, attempts=2, wait=0.01)
    with pytest.raises(SourceError, match=r"gives more than 0.001 MB"):
        fetcher.get(httpserver.url_for("/big"), len, dataset="d", name="n")


def test_an_answer_without_end_in_time(tmp_path):
    """A server that sends a byte now and then, for ever; each read is in time."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not stop.wait(0.1):
                try:
                    client.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    begin = time.monotonic()
    try:
        with pytest.raises(SourceError, match="took more than 0.5 seconds"):
            Fetcher(source="s", cache_dir=tmp_path, timeout=0.5).get(
                url, len, dataset="d", name="n"
            )
        assert time.monotonic() - begin < 5
    finally:
        stop.set()
        thread.join()
        listener.close()
