"""A local server that plays the World Bank's service and its bad days."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from migdev.sources.worldbank.addresses import LONGEST

NAMES = {"A.GOOD": "Good series (% of GDP)", "B.GOOD": "Other series (current US$)"}
COUNTRIES = [("MEX", "Mexico", "Latin America & Caribbean "), ("MDA", "Moldova", "Europe"),
             ("WLD", "World", "Aggregates")]  # fmt: skip


def page(rows: list, number: int = 1, pages: int = 1, updated: str = "2026-07-13",
         total: int | None = None) -> str:  # fmt: skip
    header = {"page": number, "pages": pages, "per_page": "20000",
              "total": len(rows) if total is None else total,
              "sourceid": "2", "lastupdated": updated}  # fmt: skip
    return json.dumps([header, rows or None])


def row(code: str, iso3: str, year: int, value: float | None) -> dict:
    return {"indicator": {"id": code, "value": NAMES[code]},
            "country": {"id": iso3[:2], "value": ""}, "countryiso3code": iso3,
            "date": str(year), "value": value}  # fmt: skip


def message(number: str, value: str) -> str:
    return json.dumps([{"message": [{"id": number, "key": "Invalid value", "value": value}]}])


class Service:
    """Answers like the live service; ``moods`` holds answers that come before the good ones."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: Counter[str] = Counter()
        self.moods: list[Response] = []
        self.updated = "2026-07-13"
        #: Called with (page, codes) before an answer; an answer of its own goes out instead.
        self.hook: Callable[[int, list[str]], Response | None] = lambda page, codes: None
        self.offset = 0  # added to every value, as a revision does
        server.expect_request(re.compile("/v2/.*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        self.asked[request.path] += 1
        assert len(request.url) <= LONGEST
        if self.moods:
            return self.moods.pop(0)
        if request.path == "/v2/country":
            rows = [{"id": i, "name": n, "region": {"id": "", "value": r},
                     "incomeLevel": {"id": "", "value": "Upper middle income"}}
                    for i, n, r in COUNTRIES]  # fmt: skip
            return self.json(page(rows, updated=""))
        if request.path.startswith("/v2/sources/57/"):
            return self.json(self.archive(request.path))
        codes = request.path.rsplit("/", 1)[1].split(";")
        if special := self.hook(int(request.args["page"]), codes):
            return special
        if bad := [c for c in codes if c not in NAMES and c != "C.EMPTY"]:
            number = "175" if "GONE" in bad[0] else "120"
            return self.json(message(number, "The provided parameter value is not valid"))
        where = request.path.split("/")[3]
        rows = [row(c, i, y, None if y == 2003 else y - 2000 + len(i) + self.offset)
                for c in codes if c in NAMES
                for i, _, _ in COUNTRIES if where == "all" or i in where.split(";")
                for y in range(2000, 2004)]  # fmt: skip
        half = len(rows) // 2 or 1
        number = int(request.args["page"])
        return self.json(page(rows[half * (number - 1) : half * number], number, 2, self.updated,
                              len(rows)))  # fmt: skip

    @staticmethod
    def json(text: str) -> Response:
        return Response(text, content_type="application/json;charset=utf-8")

    @staticmethod
    def archive(path: str) -> str:
        version = re.search(r"/version/(\d+)/", path)[1]
        cells = [{"variable": [{"concept": "Country", "id": "MEX", "value": "Mexico"},
                               {"concept": "Series", "id": "A.GOOD", "value": NAMES["A.GOOD"]},
                               {"concept": "Version", "id": version, "value": version},
                               {"concept": "Time", "id": "YR2000", "value": "2000"}],
                  "value": 1.5}]  # fmt: skip
        return json.dumps({"page": 1, "pages": 1, "total": 1, "lastupdated": "",
                           "source": [{"id": "57", "data": cells}]})  # fmt: skip
