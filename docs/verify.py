#!/usr/bin/env python3
"""Verify a sealed audit log without audit-log. docs/formats.md defines the format and explains this program.

    python3 docs/verify.py KEYFILE[,KEYFILE...] FILE...      plain files and .gz, oldest first
    python3 docs/verify.py - FILE...                         a chain without signing, so without a key
    python3 docs/verify.py KEYFILE NUMBER:SIGNATURE FILE...  what follows that record; older ones were pruned

Prints `intact: N records` and the last signature, to be held against the head file or a checkpoint: a log that
lost its newest records is intact as far as it goes. Otherwise prints the first problem. Exit code 0 or 1.
"""
import codecs, fileinput, gzip, hashlib, hmac, re, sys

# The check, in fifteen lines. It reads bytes, not JSON: what was signed is exactly what stands in the file.
RECORD = re.compile(rb'\{"event":(\{.*\}),"integrity":\{"chain_id":"([^"\\]+)",(?:"key_id":"([0-9a-f]{16})",)?'
                    rb'"previous_signature":"([^"]*)","sequence_number":(\d+),"signature":"([^"]*)"\}\}\n')

def digest(key, data):
    return (hmac.digest(key, data, "sha256") if key else hashlib.sha256(data).digest()).hex().encode()

def problem(record, number, previous, keys):
    if not record:
        return "not a whole sealed record"
    event, chain_id, key_id, claimed_previous, claimed_number, signature = record.groups()
    if (claimed_previous, claimed_number) != (previous, b"%d" % number):
        return f"does not follow record {number - 1}: records were removed, inserted or moved"
    if key_id not in keys:
        return f"sealed with another key, or with none: {key_id}"
    text = b"audit-log/v1\n%s\n%d\n%s\nsha256:%s" % (chain_id, number, previous, digest(None, event))
    return None if signature == b"sha256:" + digest(keys[key_id], text) else "edited: the signature does not fit"

# The command line: keys in their three forms, then the files as one run of records.
def read_key(path):
    form, colon, rest = open(path, "rb").read().removesuffix(b"\n").partition(b":")
    return codecs.decode(rest, form.decode()) if form in (b"base64", b"hex") else form + colon + rest

if len(sys.argv) < 3:
    sys.exit(__doc__)
# With keys given, a record without a key id is refused; otherwise a forger could rewrite the log as an unsigned one.
keys = [] if sys.argv[1] == "-" else map(read_key, sys.argv[1].split(","))
keys = {digest(key, b"audit-log/v1 key id")[:16]: key for key in keys} or {None: None}
files = sys.argv[2:]
known = re.fullmatch(r"(\d+):(sha256:[0-9a-f]{64})", files[0])
first, previous = (int(known[1]), known[2].encode()) if known else (0, b"sha256:" + b"0" * 64)
number = first
opened = lambda name, mode: gzip.open(name) if name.endswith(".gz") else open(name, mode)
for number, line in enumerate(fileinput.input(files[bool(known):], mode="rb", openhook=opened), first + 1):
    record = RECORD.fullmatch(line)
    found = problem(record, number, previous, keys)
    if found:
        sys.exit(f"{fileinput.filename()}:{fileinput.filelineno()}: {found}")
    previous = record[6]
print(f"intact: {number - first} records\nlast signature: {previous.decode()}")
