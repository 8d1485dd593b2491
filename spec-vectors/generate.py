#!/usr/bin/env python3
"""Writes the vector files beside this script. Its arguments are the programs of other implementations: see `just vectors`."""

import collections
import shlex
import sys

from generators.own import bolt11, caveat, challenge, credential, exchange, grpc, identifier, keys, macaroon, token_file
from generators.own.values import write
from generators.provenance import Provenance

SUBJECTS = [macaroon, identifier, challenge, credential, caveat, keys, bolt11, exchange, grpc, token_file]


def main():
    kinds = [kind for subject in SUBJECTS for kind in subject.kinds()]
    provenance = Provenance(list(map(shlex.split, sys.argv[1:])), kinds)
    makers = collections.Counter()
    for name, about, cases in kinds:
        for entry in cases:
            entry["made_by"] = provenance.made_by(name, entry)
            makers.update(entry["made_by"].split(", "))
        write(name, {"$schema": "../schema.json", "kind": name, "about": about, "cases": cases})
        print(f"{len(cases):5} {name}")
    deviations = provenance.deviations()
    write("deviations", {"about": "Where another implementation judges a token otherwise, and why.", "deviations": deviations})
    print(f"{sum(len(cases) for _, _, cases in kinds):5} cases, {len(deviations)} deviations; tokens made by", dict(makers))


if __name__ == "__main__":
    main()
