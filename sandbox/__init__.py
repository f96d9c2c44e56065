"""Local stand-ins of Pipedrive and QuickBooks Online: a program of its own, used by the demo, the tests and the benchmarks."""
