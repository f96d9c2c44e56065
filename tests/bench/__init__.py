"""What the service costs and how fast it is, measured: `script/bench`. One file for each family of goals.

It stands among the tests because it is made of their parts: rows, stand-ins, real processes. pytest collects nothing
of it but `test_counts.py` and `test_peer_tools.py`, which guard the counts.
"""
