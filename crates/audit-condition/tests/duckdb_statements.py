"""What DuckDB answers to whole statements that were written for Athena.

Reads one JSON object from standard input: `table` is the SELECT that makes the table `audit` of the JSON lines of a
file, `now` is a time, and `statements` are texts. Writes a JSON list: for each statement its rows.

sqlglot reads each text as Athena's SQL, so that what isn't that is an error, and writes it in DuckDB's.
"""

import json
import sys

import duckdb
import sqlglot
from sqlglot import exp


def in_duckdb(text, now):
    statements = sqlglot.parse(text, dialect="athena")
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise ValueError("not one SELECT")

    def turn(node):
        if isinstance(node, exp.CurrentTimestamp):
            return exp.cast(exp.Literal.string(now), "timestamptz")
        return node

    return statements[0].transform(turn).sql(dialect="duckdb")


def main():
    job = json.load(sys.stdin)
    duck = duckdb.connect(config={"threads": 2})
    duck.execute("SET TimeZone = 'UTC'")
    duck.execute(f"CREATE TABLE audit AS {job['table']}")
    results = []
    for text in job["statements"]:
        try:
            results.append(duck.execute(in_duckdb(text, job["now"])).fetchall())
        except Exception as error:
            raise SystemExit(f"{text}\n{error}")
    json.dump(results, sys.stdout)


main()
