"""Which rows DuckDB selects by conditions that were written for Trino.

Reads one JSON object from standard input: `table` is the SELECT that makes the table `log` of the JSON lines of a
file, `now` is a time, and `filters` are texts for WHERE. Writes a JSON list: for each filter a string of 0 and 1, one
for each row.

sqlglot reads each text as Trino's SQL, so that what isn't that is an error, and writes it in DuckDB's. A text without
what only Trino has runs as it stands too, on DuckDB's own functions and macros with Trino's names, and has to select the same.
"""

import json
import re
import sys

import duckdb
import sqlglot
from sqlglot import exp

MACROS = """
CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern);
CREATE MACRO json_extract_scalar(json, path) AS json_extract_string(json, path);
CREATE MACRO json_format(json) AS CAST(json AS VARCHAR);
CREATE MACRO from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMPTZ);
CREATE MACRO day_of_week(time) AS isodow(time);
"""


# Lambdas, which macros can't take, and keys in brackets, which are no paths of DuckDB's.
TRINO_ONLY = re.compile(r"any_match|\$\[")


def in_duckdb(text, now):
    statements = sqlglot.parse(f"SELECT 1 FROM log WHERE {text}", dialect="trino")
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise ValueError(f"not one SELECT: {text}")
    parts = {name for name, part in statements[0].args.items() if part}
    if not parts <= {"expressions", "from", "from_", "where"}:
        raise ValueError(f"more than a condition ({parts}): {text}")
    where = statements[0].args["where"].this

    def turn(node):
        if isinstance(node, exp.CurrentTimestamp):
            return exp.cast(exp.Literal.string(now), "timestamptz")
        if isinstance(node, exp.Anonymous) and node.name.lower() == "any_match":
            # What takes its place is not visited.
            items, test = (part.transform(turn) for part in node.expressions)
            return exp.func("list_bool_or", exp.func("list_transform", items, test, dialect="duckdb"), dialect="duckdb")
        return node

    return where.transform(turn).sql(dialect="duckdb")


def main():
    job = json.load(sys.stdin)
    duck = duckdb.connect(config={"threads": 2})
    duck.execute("SET TimeZone = 'UTC'")
    duck.execute(MACROS)
    duck.execute(f"CREATE MACRO now() AS CAST('{job['now']}' AS TIMESTAMPTZ)")
    duck.execute(f"CREATE TABLE log AS {job['table']}")

    def rows(condition):
        found = duck.execute(f"SELECT coalesce(({condition}), false) FROM log ORDER BY number").fetchall()
        return "".join("1" if row[0] else "0" for row in found)

    results = []
    for text in job["filters"]:
        try:
            selected = rows(in_duckdb(text, job["now"]))
            if not TRINO_ONLY.search(text) and selected != rows(text):
                raise ValueError("as it stands it selects other rows than as sqlglot writes it")
        except Exception as error:
            raise SystemExit(f"{text}\n{error}")
        results.append(selected)
    json.dump(results, sys.stdout)


main()
