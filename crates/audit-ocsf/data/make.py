"""Writes the schema files beside this script from the exports that the package `ocsf-json-schema` carries.

    python3 make.py [DIRECTORY]

Each file is one version of the schema: gzip'd JSON with what validation and `explain` read, and no descriptions.
README.md says what the fields are. The same package gives the same bytes.
"""

import gzip
import json
import pathlib
import re
import sys

from ocsf_json_schema import OcsfJsonSchema, get_ocsf_schema

VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0")
PRIMITIVES = {"boolean_t", "float_t", "integer_t", "json_t", "long_t", "string_t"}
CONSTRAINTS = {"at_least_one", "just_one"}


def plain(text):
    """Without the markup that messages carry."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", text)).replace(" .", ".").strip()


def kept(**fields):
    """Only the fields that say something; 0 says something."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {})}


def deprecation(of):
    if "@deprecated" not in of:
        return None
    return {"message": plain(of["@deprecated"]["message"]), "since": of["@deprecated"]["since"]}


class Interned:
    """A table of different values; a value's index stands for it."""

    def __init__(self):
        self.values = []
        self.indices = {}

    def index(self, value):
        key = json.dumps(value, sort_keys=True)
        if key not in self.indices:
            self.indices[key] = len(self.values)
            self.values.append(value)
        return self.indices[key]


def compact(export):
    is_v2 = "dictionary" in export
    types = export["dictionary"]["types"]["attributes"] if is_v2 else export["types"]
    enums = Interned()
    attributes = Interned()
    profiles = set(export.get("profiles", {}))
    extensions = set(export.get("extensions", {}))

    def profiles_of(attribute):
        if is_v2:
            return sorted(attribute.get("profiles") or [])
        return [attribute["profile"]] if attribute.get("profile") else []

    def enum_of(name, attribute, item):
        values = attribute.get("enum")
        if not values or name == "type_uid" and is_derived(values, item):
            return None
        rows = []
        for value, about in values.items():
            assert attribute["type"] == "string_t" or str(int(value)) == value, value
            gone = deprecation(about)
            rows.append([value, about["caption"], gone] if gone else [value, about["caption"]])
        by_number = lambda row: (int(row[0]), "") if re.fullmatch(r"-?\d+", row[0]) else (0, row[0])
        return enums.index(sorted(rows, key=by_number))

    def is_derived(type_uids, item):
        """class uid * 100 + activity: told from the class when it is read, and a fifth of the data."""
        activities = item["attributes"]["activity_id"]["enum"].items()
        derived = {
            str(item["uid"] * 100 + int(value)): f"{item['caption']}: {about['caption']}" for value, about in activities
        }
        assert derived == {value: about["caption"] for value, about in type_uids.items()}, item["name"]
        return True

    def attribute_index(name, attribute, item):
        assert attribute["type"] == "object_t" or attribute["type"] in types, attribute["type"]
        of_profiles = profiles_of(attribute)
        profiles.update(of_profiles)
        return attributes.index(kept(
            name=name,
            type=attribute.get("object_type") if attribute["type"] == "object_t" else attribute["type"],
            is_object=True if attribute["type"] == "object_t" else None,
            is_array=attribute.get("is_array") or None,
            requirement={"optional": None}.get(attribute["requirement"], attribute["requirement"]),
            profiles=of_profiles,
            enum=enum_of(name, attribute, item),
            sibling=attribute.get("sibling"),
            deprecated=deprecation(attribute),
            observable=attribute.get("observable"),
        ))

    def item_fields(item):
        profiles.update(item.get("profiles") or [])
        if item.get("extension"):
            extensions.add(item["extension"])
        constraints = item.get("constraints") or {}
        assert not set(constraints) - CONSTRAINTS, constraints
        return kept(
            caption=item["caption"],
            **constraints,
            deprecated=deprecation(item),
            observable=item.get("observable"),
            attributes=[attribute_index(name, item["attributes"][name], item) for name in sorted(item["attributes"])],
        )

    def type_fields(name, given):
        regex = given.get("regex")
        if name == "ip_t" and export["version"] == "1.0.0":
            # No regular expression of JSON Schema; the package, asked for one, gives that of 1.4.0.
            made = OcsfJsonSchema(export)._generate_type_constraints(name, "string", given, None)
            regex = made["pattern"]
        base = given.get("type", name)
        assert base in PRIMITIVES, base
        # The validator has no codes for what no schema has: a range, or a regex, of a primitive type.
        assert name not in PRIMITIVES or not {"range", "regex"} & set(given), name
        assert base == "boolean_t" or "values" not in given, name
        return kept(
            base=base,
            caption=given.get("caption"),
            max_len=given.get("max_len"),
            observable=given.get("observable"),
            range=given.get("range"),
            regex=regex,
        )

    objects = {name: item_fields(item) for name, item in sorted(export["objects"].items())}
    classes = []
    for _, item in sorted(export["classes"].items(), key=lambda named: named[1]["uid"]):
        fields = item_fields(item)
        about = {"category": item.get("category_name"), "category_uid": item.get("category_uid")}
        classes.append(kept(uid=item["uid"], name=item["name"], **about, **fields))
    return {
        "version": export["version"],
        "profiles": sorted(profiles),
        "extensions": sorted(extensions),
        "types": {name: type_fields(name, given) for name, given in sorted(types.items())},
        "enums": enums.values,
        "attributes": attributes.values,
        "objects": objects,
        "classes": classes,
    }


def main():
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    for version in VERSIONS:
        text = json.dumps(compact(get_ocsf_schema(version)), ensure_ascii=False, separators=(",", ":"))
        packed = gzip.compress(text.encode(), compresslevel=9, mtime=0)
        (directory / f"{version}.json.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
