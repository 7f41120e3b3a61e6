"""Runs the queries that it is asked, one a line, and answers with the number of rows and the seconds that it took."""

import sys
import time

import duckdb

print(duckdb.__version__, flush=True)
for query in sys.stdin:
    begun = time.perf_counter()
    # Counted in the database, so that no row becomes a Python object.
    (rows,) = duckdb.execute(f"SELECT count(*) FROM ({query})").fetchone()
    print(rows, time.perf_counter() - begun, flush=True)
