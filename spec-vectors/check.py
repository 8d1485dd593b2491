#!/usr/bin/env python3
"""Holds every vector file against `schema.json`. Needs the package jsonschema."""

import json
import pathlib
import sys

import jsonschema

HERE = pathlib.Path(__file__).parent


def faults(validator, path):
    document = json.loads(path.read_text())
    if document.get("kind") != f"{path.parent.name}/{path.stem}":
        yield "the kind is not the file's place"
    for fault in validator.iter_errors(document):
        yield f"{'/'.join(map(str, fault.absolute_path))}: {fault.message[:300]}"


def main():
    schema = json.loads((HERE / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    paths = sorted(HERE.glob("*/*.json"))
    found = [f"{path.relative_to(HERE)}: {fault}" for path in paths for fault in faults(validator, path)]
    print("\n".join(found) or f"{len(paths)} files agree with the schema")
    sys.exit(bool(found) or not paths)


if __name__ == "__main__":
    main()
