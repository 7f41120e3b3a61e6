"""The strict schemas of one Kubernetes version, as kubeconform takes them: kubernetes_schemas.py VERSION FOLDER

They are those of the package kubernetes-validate, which come with absolute references and a "$schema" that would be fetched.
"""
import json
import pathlib
import sys

import kubernetes_validate


def main():
    version, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    package = pathlib.Path(kubernetes_validate.__file__).parent
    source = package / "kubernetes-json-schema" / f"v{version}-local-strict"
    if not source.is_dir():
        sys.exit(f"kubernetes-validate has no schemas of Kubernetes {version}")
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for file in source.glob("*.json"):
        text = file.read_text(encoding="utf-8").replace('"/api/_definitions.json#', '"_definitions.json#')
        schema = json.loads(text)
        schema.pop("$schema", None)
        (folder / file.name).write_text(json.dumps(schema), encoding="utf-8")
        count += 1
    print(f"Kubernetes {version}: {count} schemas")


main()
