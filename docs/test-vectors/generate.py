#!/usr/bin/env python3
"""Write the test vectors next to this file; with --check, only say whether they are what it would write.

Made from docs/formats.md alone, with the standard library, and shares no code with the crates or with
docs/verify.py: three independent readings of the format have to agree.
"""
import base64
import hashlib
import hmac
import json
import pathlib
import sys
from decimal import Decimal

HERE = pathlib.Path(__file__).resolve().parent
GENESIS = "sha256:" + "0" * 64

# Published keys, good for nothing but these vectors.
KEY = hashlib.sha256(b"audit-log test vectors: key").digest()
OLD_KEY = hashlib.sha256(b"audit-log test vectors: old key").digest()


# RFC 8785

def canonical(value):
    if isinstance(value, dict):
        # RFC 8785 section 3.2.3: member names sort by their UTF-16 code units, not by code point.
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(item)}" for name, item in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(map(escaped, value)) + '"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        assert abs(value) <= 2**53 - 1, value
        return str(value)
    return ecmascript_number(value)


def escaped(char):
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return short.get(char) or (f"\\u{ord(char):04x}" if char < " " else char)


def ecmascript_number(number):
    """ECMA-262 Number::toString: shortest round-trip digits, laid out by the position of the decimal point."""
    assert abs(number) <= 2**53 - 1, number
    if number == 0:
        return "0"  # also for -0
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits = "".join(map(str, digits))
    point = len(digits) + exponent
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        text = f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return "-" * sign + text


# Seals

def key_id(key):
    return hmac.new(key, b"audit-log/v1 key id", hashlib.sha256).hexdigest()[:16]


def sign(key, text):
    data = text.encode()
    made = hmac.new(key, data, hashlib.sha256) if key else hashlib.sha256(data)
    return "sha256:" + made.hexdigest()


def seal_all(chain_id, sources):
    """One vector for each (note, key, input text)."""
    previous = GENESIS
    for number, (note, key, source) in enumerate(sources, 1):
        event = canonical(json.loads(source))
        event_digest = "sha256:" + hashlib.sha256(event.encode()).hexdigest()
        text = "\n".join(["audit-log/v1", chain_id, str(number), previous, event_digest])
        signature = sign(key, text)
        seal = {"chain_id": chain_id, "previous_signature": previous, "sequence_number": number, "signature": signature}
        if key:
            seal["key_id"] = key_id(key)
        yield {
            "note": note,
            "input": source,
            "canonical_event": event,
            "event_sha256": event_digest,
            "signed_text": text,
            "signature": signature,
            "line": '{"event":' + event + ',"integrity":' + canonical(seal) + "}",
        }
        previous = signature


def head(key, chain_id, records):
    number, signature = len(records), records[-1]["signature"]
    text = "\n".join(["audit-log/v1 head", chain_id, str(number), signature])
    fields = {"chain_id": chain_id, "mac": sign(key, text), "sequence_number": number, "signature": signature}
    return {"signed_text": text, "content": canonical(fields)}


# Events

RESULTS = {"denied": "denied", "started": "in_progress", "checkpoint": "in_progress"}


def event(number, event_type, **parts):
    operation, _, stage = event_type.partition(".")
    full = {
        "timestamp": f"2024-12-01T10:15:{number:02d}.123Z",
        "event_type": event_type,
        "event_id": f"evt_vector{number:04d}",
        "version": "1.0",
        "actor": {"type": "user", "id": "alice@example.com", "roles": ["backup-operator"], "ip_address": "10.0.0.50"},
        "resource": {"type": "backup", "id": "production-backup-20241201", "path": "s3://kafka-backups/production/"},
        "action": {"operation": operation, "result": RESULTS.get(stage, "success")},
        "context": {"cluster_id": "prod-us-west-2", "environment": "production", "correlation_id": "req_xyz789"},
    }
    full.update(parts)
    return json.dumps(full)  # ASCII with \u escapes, spaces and insertion order: anything but canonical


def with_details(number, event_type, details):
    """`details` is JSON text, for spellings that json.dumps would not write (1E-7, \\/, 5.0)."""
    return event(number, event_type)[:-1] + ', "details": ' + details + "}"


SEALED = [
    ("ASCII, the example of the documentation", with_details(
        1, "backup.completed",
        '{"backup_id": "production-backup-20241201", "topics": ["orders", "payments", "users"],'
        ' "records_backed_up": 1500000, "bytes_backed_up": 524288000, "compression_ratio": 5.0, "checkpoints": 4}')),
    ("empty details, and no other optional part", json.dumps({
        "event_type": "auth.logout", "timestamp": "2024-12-01T10:15:02.000Z", "event_id": "evt_vector0002",
        "version": "1.0", "actor": {"type": "user", "id": "bob@example.com"}, "details": {}})),
    ("letters outside ASCII stay themselves, composed and decomposed forms stay apart", event(
        3, "auth.login", actor={"type": "user", "id": "zo\u00eb.m\u00fcller@example.com", "roles": ["Pr\u00fcfer", "監査"]},
        details={"display_name": "Zo\u00eb M\u00fcller", "decomposed": "Zoe\u0308", "greeting": "こんにちは"})),
    ("emoji, U+2028 and U+2029 unescaped", with_details(
        4, "config.changed", r'{"comment": "done \ud83d\ude00 \u2028 \u2029 end", "flag": "\ud83c\udde8\ud83c\udded"}')),
    ("control characters, quote, backslash, solidus, DEL", with_details(
        5, "access.denied",
        r'{"reason": "\u0000\u0001\u0008\u0009\u000a\u000b\u000c\u000d\u001f\u007f\u0080", "path": "a\"b\\c\/d\u002fe"}')),
    ("doubles, as ECMAScript writes them", with_details(
        6, "backup.checkpoint",
        '{"a": 0.1, "b": 1E-7, "c": 5.0, "d": -0.0, "e": 0.000001, "f": 123456.789, "g": 1e3, "h": 0.30000000000000004,'
        ' "i": -2.5e-10, "j": 5e-324, "k": 3.141592653589793, "l": 1.0E+2, "m": 9007199254740991.0}')),
    ("the largest and smallest integers allowed", with_details(
        7, "backup.completed", '{"max": 9007199254740991, "min": -9007199254740991, "zero": 0, "negative": -1}')),
    ("nested arrays and objects, null and booleans", with_details(
        8, "config.changed",
        '{"changes": [{"old_value": ["orders"], "new_value": ["orders", "payments"], "field": "topics.include"},'
        ' {"new_value": [[], [[]], {}, [{"z": 1, "a": null}]], "old_value": null, "field": "x"}], "dry_run": false, "x": true}')),
    ("member names in UTF-16 order: U+1F600 (D83D DE00) sorts before U+FB33", with_details(
        9, "admin.feature_enabled",
        r'{"\ufb33": "hebrew dalet with dagesh", "\ud83d\ude00": "grinning face", "\u20ac": "euro", "\r": "return",'
        r' "1": "one", "\u00f6": "o umlaut", "\u0080": "control", "</script>": "script", "": "empty name", "Z": 1, "a": 2}')),
    ("details with the names of the envelope, a custom type, an unknown field", event(
        10, "billing.invoice_exported", details={"event": {"a": 1}, "integrity": {"chain_id": "not the seal"}}, tenant="acme")),
]

PLAIN = [with_details(n, kind, f'{{"step": {n}}}') for n, kind in enumerate(
    ["restore.started", "restore.completed", "validate.started", "validate.completed", "auth.token_refresh", "access.granted"], 1)]


def build():
    sealed = list(seal_all("vectors-sealed", [(note, KEY, source) for note, source in SEALED]))
    chained = list(seal_all("vectors-chain-only", [("chain on, signing off", None, source) for source in PLAIN]))
    rotated = list(seal_all("vectors-rotated", [
        ("sealed with the old key" if n <= 3 else "sealed with the new key", OLD_KEY if n <= 3 else KEY, source)
        for n, source in enumerate(PLAIN, 1)]))
    chains = [
        ("sealed.ndjson", ["key.txt"], "vectors-sealed", sealed, KEY),
        ("chain-only.ndjson", [], "vectors-chain-only", chained, None),
        ("rotated-keys.ndjson", ["key-old.txt", "key.txt"], "vectors-rotated", rotated, KEY),
    ]
    keys = {"key.txt": KEY, "key-old.txt": OLD_KEY}
    vectors = {
        "keys": [{"file": name, "hex": key.hex(), "key_id": key_id(key)} for name, key in keys.items()],
        "chains": [
            {"file": name, "keys": key_files, "chain_id": chain_id, "head": head(key, chain_id, records), "records": [
                {field: text for field, text in record.items() if field != "line"} for record in records]}
            for name, key_files, chain_id, records, key in chains],
    }
    files = {name: "".join(record["line"] + "\n" for record in records) for name, _, _, records, _ in chains}
    files["key.txt"] = "base64:" + base64.b64encode(KEY).decode() + "\n"
    files["key-old.txt"] = "hex:" + OLD_KEY.hex() + "\n"
    files["vectors.json"] = json.dumps(vectors, indent=2) + "\n"
    return files


def main():
    wrong = []
    for name, text in build().items():
        path = HERE / name
        if "--check" not in sys.argv:
            path.write_bytes(text.encode())
        elif not path.exists() or path.read_bytes() != text.encode():
            wrong.append(name)
    if wrong:
        sys.exit(f"not what generate.py writes: {', '.join(wrong)}")


main()
