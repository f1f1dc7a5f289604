"""Diagnostics: tests as functions, each giving a TestStatistic."""
