#!/usr/bin/env python3
"""Writes the vector files beside this script; `just vectors` fails where they differ from what is committed."""

import sys

from generators.own import bolt11, caveat, challenge, credential, exchange, grpc, identifier, keys, macaroon, token_file

SUBJECTS = [macaroon, identifier, challenge, credential, caveat, keys, bolt11, exchange, grpc, token_file]


def main():
    total = 0
    for subject in SUBJECTS:
        for kind, cases in subject.write_all():
            total += len(cases)
            print(f"{len(cases):4} {kind}")
    print(f"{total:4} cases", file=sys.stderr)


if __name__ == "__main__":
    main()
