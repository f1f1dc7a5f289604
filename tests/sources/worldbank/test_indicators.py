"""The World Bank adapter against a local server that plays the service and its bad days."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from werkzeug import Response

import migdev as md
from migdev.errors import SourceError, SourceWarning
from migdev.sources.cache import Cache
from migdev.sources.worldbank.answers import Refused, values
from migdev.sources.worldbank.indicators import WorldBank
from tests.sources.worldbank.playing import NAMES, message, page, row


def test_series_countries_and_pages_come_together(service, bank):
    got = bank.fetch(["A.GOOD", "B.GOOD"])
    assert list(got.frame.columns) == ["iso3", "year", "A.GOOD", "B.GOOD"]
    assert set(got.frame["iso3"]) == {"MEX", "MDA"}  # the aggregate is left out
    assert got.frame["year"].max() == 2002  # empty cells are not rows
    told = got.provenance
    assert (told.vintage, told.licence) == ("2026-07-13", "CC BY 4.0")
    assert told.labels["A.GOOD"] == NAMES["A.GOOD"]
    assert told.units == {"A.GOOD": "% of GDP", "B.GOOD": "current US$"}
    assert len(told.sha256) == 64
    assert any("aggregates" in note for note in told.notes)
    assert sum(n for p, n in service.asked.items() if "indicator" in p) == 2  # both in one request


def test_names_of_the_user(service, bank, httpserver, tmp_path):
    got = md.load(
        "worldbank", {"remit": "A.GOOD"}, base=httpserver.url_for("/v2"), cache_dir=tmp_path
    )
    assert list(got.frame.columns) == ["iso3", "year", "remit"]
    panel = md.Panel.from_extract(got)
    assert panel.provenance[0].publisher == "World Bank"


def test_one_bad_series_never_loses_the_batch(service, bank):
    with pytest.warns(SourceWarning, match=r"X.BAD \(.*message 120\).*Y.GONE \(.*message 175\)"):
        got = bank.fetch(["A.GOOD", "X.BAD", "B.GOOD", "Y.GONE"])
    assert {"A.GOOD", "B.GOOD"} <= set(got.frame.columns)
    assert set(got.provenance.missing) == {"X.BAD", "Y.GONE"}
    assert got.provenance.series == ("A.GOOD", "B.GOOD")


def test_null_second_element_is_an_empty_series(service, bank):
    with pytest.warns(SourceWarning, match=r"C.EMPTY \(the answer held no value\)"):
        got = bank.fetch(["A.GOOD", "C.EMPTY"])
    assert "C.EMPTY" in got.provenance.missing
    with pytest.raises(SourceError, match="gave none of 'C.EMPTY'"):
        bank.fetch(["C.EMPTY"])


def test_nothing_but_bad_series_is_an_error(service, bank):
    with pytest.raises(SourceError, match=r"none of 'X.BAD'.*message 120"):
        bank.fetch(["X.BAD"])


@pytest.mark.parametrize(
    "mood",
    [
        Response("<?xml version='1.0'?><wb:error/>", content_type="text/xml"),
        Response("<!DOCTYPE html><html><body>Request Error</body></html>"),
        Response("slow down", status=429),
        Response("bad gateway", status=502),
        Response('[{"page": 1, "pages"'),
    ],
)
def test_bad_moments_are_tried_again(service, bank, mood):
    service.moods = [mood]
    assert len(bank.fetch(["A.GOOD"]).frame) == 6


def test_lasting_trouble_is_an_error_that_says_what_came(service, bank):
    html = "<!DOCTYPE html><html><body>Maintenance</body></html>"
    service.moods = [Response(html) for _ in range(3)]
    with pytest.raises(SourceError, match=r"HTML came.*Maintenance.*the cache holds no copy"):
        bank.fetch(["A.GOOD"])


def test_a_connection_cut_in_mid_body_is_tried_again(service, bank, tmp_path):
    with cutting_proxy(bank.base, cuts=1) as (base, seen):
        through = WorldBank(base=base, cache_dir=tmp_path / "p", attempts=3, wait=0.01)
        assert len(through.fetch(["A.GOOD"]).frame) == 6
    assert seen["cut"] == 1


def test_a_page_that_fails_in_the_middle_gives_no_part_of_the_series(service, bank):
    service.hook = lambda page, codes: Response("gone", status=503) if page == 2 else None
    with pytest.raises(SourceError, match=r"gave none of 'A.GOOD'.*HTTP status 503"):
        bank.fetch(["A.GOOD"])


def test_trouble_with_some_series_leaves_the_others_whole(service, bank):
    """Two requests, the second of which never comes through."""
    many = [f"X{i:02d}.LONG.NAME.OF.A.SERIES" for i in range(40)]
    service.hook = lambda page, codes: None if "A.GOOD" in codes else Response("no", status=500)
    for code in many:
        NAMES[code] = "x"
    try:
        with pytest.warns(SourceWarning, match=r"X39.LONG.NAME.OF.A.SERIES \(.*HTTP status 500"):
            got = bank.fetch(["A.GOOD", *many])
    finally:
        for code in many:
            del NAMES[code]
    assert len(got.frame) == 6
    assert "A.GOOD" in got.frame
    assert 0 < len(got.provenance.missing) < 40


def test_fewer_rows_than_promised_are_refused(service, bank):
    def short(number: int, codes: list[str]) -> Response | None:
        rows = [row("A.GOOD", "MEX", 2000 + number, 1.0)]
        return service.json(page(rows, number, 2, total=12))

    service.hook = short
    with pytest.raises(SourceError, match=r"do not hang together: 2 rows came, 12 were promised"):
        bank.fetch(["A.GOOD"])


def test_an_update_between_two_pages_is_fetched_again(service, bank):
    def update(number: int, codes: list[str]) -> Response | None:
        if number == 2 and service.asked.total() < 3:
            service.updated, service.offset = "2026-10-01", 100
        return None

    service.hook = update
    got = bank.fetch(["A.GOOD"])
    assert got.provenance.vintage == "2026-10-01"
    assert got.frame["A.GOOD"].min() >= 100  # not one value of the version before


def test_pages_that_never_agree_are_refused(service, bank):
    def restless(number: int, codes: list[str]) -> Response | None:
        service.updated = f"2026-10-0{number}"
        return None

    service.hook = restless
    with pytest.raises(SourceError, match="last updated on '2026-10-01', '2026-10-02'"):
        bank.fetch(["A.GOOD"])


def forget(folder, pattern: str) -> None:
    """Take pages out of the cache."""
    for path in (folder / "worldbank" / "index").iterdir():
        if re.search(pattern, path.read_text()):
            path.unlink()


def test_cached_pages_do_not_mix_with_a_later_version(service, bank, tmp_path):
    bank.fetch(["A.GOOD"])
    forget(tmp_path, r"A.GOOD.*page=2")
    service.updated, service.offset = "2026-10-01", 100
    got = bank.fetch(["A.GOOD"])
    assert got.provenance.vintage == "2026-10-01"
    assert got.frame["A.GOOD"].min() >= 100


def test_cached_series_do_not_mix_with_a_later_version(service, bank, monkeypatch):
    """Two requests, the first of them in the cache."""
    monkeypatch.setattr("migdev.sources.worldbank.addresses.MOST_SERIES", 1)
    bank.fetch(["A.GOOD"])
    service.updated, service.offset = "2026-10-01", 100
    got = bank.fetch(["A.GOOD", "B.GOOD"])
    assert got.provenance.vintage == "2026-10-01"
    assert got.frame[["A.GOOD", "B.GOOD"]].min().min() >= 100


def test_offline_takes_the_newest_version_that_is_whole(service, bank, tmp_path):
    bank.fetch(["A.GOOD"])

    def cut(number: int, codes: list[str]) -> Response | None:
        return Response("no", status=503) if number == 2 else None

    service.updated, service.offset, service.hook = "2026-10-01", 100, cut
    fresh = WorldBank(base=bank.base, cache_dir=tmp_path, max_age_days=0.0, attempts=1)
    with pytest.warns(SourceWarning, match="is used"), pytest.raises(SourceError, match="updated"):
        fresh.fetch(["A.GOOD"])  # page 1 of October, page 2 from the cache
    offline = WorldBank(base=bank.base, cache_dir=tmp_path, offline=True)
    got = offline.fetch(["A.GOOD"])
    assert got.provenance.vintage == "2026-07-13"
    assert got.frame["A.GOOD"].max() < 100


def test_a_series_that_is_not_found_by_status_leaves_the_others(service, bank):
    service.hook = lambda page, codes: Response("?", status=404) if "X.LOST" in codes else None
    with pytest.warns(SourceWarning, match=r"X.LOST \(.*HTTP status 404"):
        got = bank.fetch(["A.GOOD", "X.LOST"])
    assert len(got.frame) == 6


def test_months_are_no_years(service, bank):
    def monthly(number: int, codes: list[str]) -> Response | None:
        rows = [{**row("B.GOOD", "MEX", 2000, 1.0), "date": "2000M01"}] if number == 1 else []
        rows += [row("A.GOOD", "MEX", 2000, 2.0)] if number == 1 else []
        return service.json(page(rows, number, 1))

    service.hook = monthly
    with pytest.warns(SourceWarning, match=r"B.GOOD \(its period '2000M01' is no year"):
        got = bank.fetch(["A.GOOD", "B.GOOD"])
    assert got.frame["A.GOOD"].tolist() == [2.0]


def test_values_given_twice(service, bank):
    def double(number: int, codes: list[str]) -> Response | None:
        return service.json(page([row("A.GOOD", "MEX", 2000, v) for v in (1.0, 2.0)], number, 1))

    service.hook = double
    with pytest.raises(SourceError, match="A.GOOD: it has two values for MEX in 2000"):
        bank.fetch(["A.GOOD"])


def test_long_archives_ask_for_all_years_and_keep_those_wanted(service, bank):
    got = bank.fetch(["A.GOOD"], periods=(1960, 2016), vintage="2017-04")
    assert any("/time/all/" in p for p in service.asked)
    assert got.frame["year"].between(1960, 2016).all()
    with pytest.raises(SourceError, match="A.GOOD: the answer held no value"):
        bank.fetch(["A.GOOD"], periods=(1960, 1990), vintage="2017-04")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vintage": "latest"}, "name a version of the archives"),
        ({"vintage": "2017"}, "name a version of the archives"),
        ({"periods": (2010, 2000)}, "the first year comes after the last"),
    ],
)
def test_requests_that_cannot_be(bank, options, message):
    with pytest.raises(SourceError, match=message):
        bank.fetch(["A.GOOD"], **options)


def test_long_lists_are_cut_to_the_length_of_addresses(service, bank):
    many = [f"X{i:03d}" for i in range(400)]
    got = bank.fetch(["A.GOOD"], entities=["MEX", "MDA", *many])
    assert len(service.asked) > 3
    assert len(got.frame) == 6


def test_archives_are_read_by_version(service, bank):
    got = bank.fetch(["A.GOOD"], periods=(2000, 2001), vintage="2017-04")
    assert got.frame.iloc[0].tolist() == ["MEX", 2000, 1.5]
    assert got.provenance.vintage == "2017-04"
    assert any("/version/201704/data" in p for p in service.asked)


def test_cache_answers_and_revisions_stand_beside(service, bank, tmp_path):
    bank.fetch(["A.GOOD"])
    before = sum(service.asked.values())
    bank.fetch(["A.GOOD"])
    assert sum(service.asked.values()) == before
    service.updated = "2026-10-01"
    fresh = WorldBank(base=bank.base, cache_dir=tmp_path, max_age_days=0.0)
    assert fresh.fetch(["A.GOOD"]).provenance.vintage == "2026-10-01"
    vintages = {p.name for p in (tmp_path / "worldbank" / "indicators").iterdir()}
    assert {"2026-07-13", "2026-10-01"} <= vintages


def test_offline_says_how_old_the_copy_is(service, bank, tmp_path):
    bank.fetch(["A.GOOD"])
    offline = WorldBank(base=bank.base, cache_dir=tmp_path, offline=True, max_age_days=0.0)
    with pytest.warns(SourceWarning, match="0 days old, because this is offline mode"):
        assert len(offline.fetch(["A.GOOD"]).frame) == 6
    empty = WorldBank(base=bank.base, cache_dir=tmp_path / "empty", offline=True)
    with pytest.raises(SourceError, match="the cache holds no copy"):
        empty.fetch(["A.GOOD"])


def test_no_network_and_an_empty_cache(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lost = WorldBank(base=f"http://127.0.0.1:{port}/v2", cache_dir=tmp_path, attempts=1)
    with pytest.raises(SourceError, match="the cache holds no copy of it"):
        lost.fetch(["A.GOOD"])


def test_a_damaged_file_is_detected_and_fetched_again(service, bank, tmp_path):
    bank.fetch(["A.GOOD"])
    kept = next(p for p in (tmp_path / "worldbank" / "indicators").rglob("*page-1.json"))
    kept.write_bytes(kept.read_bytes()[:-20])
    with pytest.warns(SourceWarning, match="is damaged"):
        assert len(bank.fetch(["A.GOOD"]).frame) == 6
    assert len(bank.fetch(["A.GOOD"]).frame) == 6  # mended: no warning


def test_cache_place_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MIGDEV_CACHE", str(tmp_path))
    assert Cache("worldbank").folder == tmp_path / "worldbank"
    monkeypatch.delenv("MIGDEV_CACHE")
    assert "migdev" in str(Cache("worldbank").folder)


def test_countries_with_aggregates(service, bank):
    listed = bank.countries()
    assert listed.loc[listed["aggregate"], "iso3"].tolist() == ["WLD"]
    assert listed["region"].tolist()[0] == "Latin America & Caribbean"
    kept = WorldBank(base=bank.base, cache_dir=bank.cache_dir, aggregates="keep")
    assert "WLD" in set(kept.fetch(["A.GOOD"]).frame["iso3"])


def test_messages_are_told_apart():
    with pytest.raises(Refused, match="Invalid value: gone .message 175."):
        values(message("175", "gone").encode())
    assert values(page([]).encode()).rows == []


def test_options_are_checked(bank):
    with pytest.raises(SourceError, match="aggregates='some'"):
        WorldBank(aggregates="some")
    with pytest.raises(SourceError, match="at least one series"):
        bank.fetch([])


@pytest.mark.network
def test_the_live_service(tmp_path):
    got = md.load(
        "worldbank", {"remit": "BX.TRF.PWKR.DT.GD.ZS"}, entities=["MEX"], periods=(2015, 2020),
        cache_dir=tmp_path,
    )  # fmt: skip
    assert 1 < got.frame["remit"].mean() < 5


class cutting_proxy:
    """Passes requests on to a server, and cuts the first answers in mid-body."""

    def __init__(self, base: str, cuts: int) -> None:
        host = re.match(r"http://([^:/]+):(\d+)", base)
        self.target, self.cuts = (host[1], int(host[2])), cuts
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> tuple[str, Counter[str]]:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.2)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/v2", self.seen

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self.listener.close()

    def serve(self) -> None:
        while not self.stop.is_set():
            try:
                client, _ = self.listener.accept()
            except TimeoutError:
                continue
            with client:
                client.settimeout(2)
                request = client.recv(65536).replace(b"keep-alive", b"close")
                with socket.create_connection(self.target, timeout=2) as server:
                    server.sendall(request)
                    body = b"".join(self.read(server))
                if self.seen["cut"] < self.cuts:
                    self.seen["cut"] += 1
                    body = body[: len(body) - 40]
                client.sendall(body)

    @staticmethod
    def read(server: socket.socket) -> Iterator[bytes]:
        while part := server.recv(65536):
            yield part
