"""What the package `ocsf-json-schema` and `jsonschema` say of OCSF records.

Reads one record a line (JSON) and writes one line for each: {"errors": [{"path": ..., "message": ...}, ...]}, the paths
as this project writes them (`actor.user.type_id`, `resources[1].name`), sorted. The schema is that of the record's own
`metadata.version`, `class_uid` and `metadata.profiles`; where there is none for these, that is the one error.
"""

import functools
import json
import re
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema, get_packaged_versions

# Release candidates are no releases.
VERSIONS = {version for version in get_packaged_versions() if "-" not in version}


class NoSchema(Exception):
    def __init__(self, path, message):
        super().__init__(message)
        self.path = path


@functools.cache
def schemas_of(version):
    if version not in VERSIONS:
        raise NoSchema("metadata.version", f"no schema of the version {version!r}")
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version))


@functools.cache
def validator_of(version, class_uid, profiles):
    schemas = schemas_of(version)
    # The package finds the names of classes by their uid, but not by which key extensions' classes are stored.
    classes = schemas.schema.schema["classes"].items()
    key = next((key for key, about in classes if about["uid"] == class_uid), None)
    if key is None:
        raise NoSchema("class_uid", f"no class {class_uid} in {version}")
    return Draft202012Validator(schemas.get_class_schema(key, list(profiles)))


def validator_for(record):
    if not isinstance(record, dict):
        raise NoSchema("", "no object")
    class_uid = record.get("class_uid")
    if type(class_uid) is not int:
        raise NoSchema("class_uid", "no integer")
    metadata = record.get("metadata")
    if not isinstance(metadata, dict):
        raise NoSchema("metadata", "no object")
    if not isinstance(metadata.get("version"), str):
        raise NoSchema("metadata.version", "no string")
    profiles = metadata.get("profiles")
    # The package puts names into a format string and a URL; no profile is named with other characters.
    is_name = lambda name: isinstance(name, str) and re.fullmatch("[A-Za-z0-9_/]+", name)
    names = set(filter(is_name, profiles)) if isinstance(profiles, list) else set()
    return validator_of(metadata["version"], class_uid, tuple(sorted(names)))


def joined(path, name):
    if isinstance(name, int):
        return f"{path}[{name}]"
    if not re.fullmatch("[A-Za-z0-9_]+", name):
        return f"{path}[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{name}" if path else name


def errors_of(record):
    try:
        validator = validator_for(record)
    except NoSchema as error:
        return {(error.path, str(error))}
    found = set()
    for error in validator.iter_errors(record):
        path = functools.reduce(joined, error.absolute_path, "")
        if error.validator == "required":
            # One error for each, but without saying which.
            missing = (name for name in error.validator_value if name not in error.instance)
            found.update((joined(path, name), "is a required property") for name in missing)
        elif error.validator == "additionalProperties":
            unknown = (name for name in error.instance if name not in error.schema["properties"])
            found.update((joined(path, name), "is not allowed") for name in unknown)
        else:
            found.add((path, error.message))
    return found


def main():
    for line in sys.stdin.buffer:
        errors = sorted(errors_of(json.loads(line)))
        print(json.dumps({"errors": [{"path": path, "message": message} for path, message in errors]}), flush=True)


if __name__ == "__main__":
    main()
