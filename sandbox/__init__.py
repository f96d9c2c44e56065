"""Local stand-ins of Pipedrive and QuickBooks Online: a program of its own, for demo, tests and measuring."""
