"""Replication packages: an answer as a folder that anyone can rerun and verify."""

from migdev.replication.data import read_data, write_data
from migdev.replication.package import write_package
from migdev.replication.results import write_results
from migdev.replication.verify import verify

__all__ = ["read_data", "verify", "write_data", "write_package", "write_results"]
