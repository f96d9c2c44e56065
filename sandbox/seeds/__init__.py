"""The cast: four companies, each once in Pipedrive and once in QuickBooks."""

PAIRS = {
    "101": "9130350000000101",
    "102": "9130350000000102",
    "103": "9130350000000103",
    "104": "9130350000000104",
}
"""Pipedrive company -> QuickBooks realm that belongs to it."""
