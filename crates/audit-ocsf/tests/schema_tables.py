"""Prints, as JSON, what the OCSF schemas of the package ocsf-json-schema say about the attributes of the classes and
objects that are named as arguments:
{version: {"classes"|"objects": {name: {attribute: {requirement, kind, array, object, profiles, deprecated, captions}}}}}.
"""

import json
import sys

from ocsf_json_schema import get_ocsf_schema

VERSIONS = ["1.0.0", "1.1.0", "1.3.0", "1.8.0"]


def basic(types, name):
    """The type that the type is made of."""
    while types.get(name, {}).get("type"):
        name = types[name]["type"]
    return name


def attribute(types, given):
    profiles = given.get("profiles", given.get("profile")) or []
    return {
        "requirement": given["requirement"],
        "kind": basic(types, given["type"]),
        "array": bool(given.get("is_array")),
        "object": given.get("object_type"),
        "profiles": [profiles] if isinstance(profiles, str) else sorted(profiles),
        "deprecated": "@deprecated" in given,
        "captions": {number: entry["caption"] for number, entry in given.get("enum", {}).items()},
    }


def tables(version):
    schema = get_ocsf_schema(version)
    types = schema["types"] if "types" in schema else schema["dictionary"]["types"]["attributes"]
    return {
        kind: {
            name: {key: attribute(types, given) for key, given in schema[kind][name]["attributes"].items()}
            for name in sys.argv[1:]
            if name in schema[kind]
        }
        for kind in ("classes", "objects")
    }


print(json.dumps({version: tables(version) for version in VERSIONS}))
