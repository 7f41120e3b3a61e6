"""How schemathesis writes a body of one event a line."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(_context, value):
    if isinstance(value, (bytes, str)):
        return value if isinstance(value, bytes) else value.encode()
    events = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(event) for event in events).encode()
