"""Validate configurations against a JSON schema: validate_configurations.py SCHEMA FILE..."""
import json
import sys

import jsonschema
import yaml


def settings(document):
    """What stands under `enterprise.audit`, or the document itself; None for a Kubernetes resource around it."""
    if not isinstance(document, dict) or "enterprise" not in document:
        return None if isinstance(document, dict) and "kind" in document else document
    return document["enterprise"]["audit"]


def main():
    schema_file, *files = sys.argv[1:]
    with open(schema_file, encoding="utf-8") as file:
        schema = json.load(file)
    validator_class = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    validator_class.check_schema(schema)
    validator = validator_class(schema)
    describes_whole_document = "enterprise" in schema.get("properties", {})

    failed, checked = 0, 0
    for name in files:
        with open(name, encoding="utf-8") as file:
            documents = list(yaml.safe_load_all(file))
        for document in documents:
            inner = settings(document)
            if inner is None:
                print(f"{name}: not checked, a Kubernetes resource")
                continue
            checked += 1
            instance = {"enterprise": {"audit": inner}} if describes_whole_document else inner
            for error in validator.iter_errors(instance):
                failed += 1
                print(f"{name}: {error.json_path}: {error.message}")
    print(f"{checked} configurations checked, {failed} errors")
    sys.exit(1 if failed or not checked else 0)


main()
