"""Breaks the app as soon as it is loaded, see `tests.processes.broken`."""
