"""The played service, and a source that asks it."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from migdev.sources.worldbank.indicators import WorldBank
from tests.sources.worldbank.playing import Service


@pytest.fixture
def service(httpserver: HTTPServer) -> Service:
    return Service(httpserver)


@pytest.fixture
def bank(httpserver: HTTPServer, tmp_path) -> WorldBank:
    return WorldBank(base=httpserver.url_for("/v2"), cache_dir=tmp_path, attempts=3, wait=0.01)
