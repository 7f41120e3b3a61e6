"""What the package `jsonschema` says of messages.

Reads one JSON array a line, [name of a schema in tests/data, message], and writes one for each: the errors as texts.
"""

import functools
import json
import pathlib
import sys

from jsonschema import Draft202012Validator

DATA = pathlib.Path(__file__).parent / "data"


@functools.cache
def validator_of(name):
    schema = json.loads((DATA / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


for line in sys.stdin.buffer:
    name, message = json.loads(line)
    errors = [f"{error.json_path}: {error.message[:300]}" for error in validator_of(name).iter_errors(message)]
    print(json.dumps(errors), flush=True)
