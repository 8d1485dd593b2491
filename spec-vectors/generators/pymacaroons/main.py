"""Makes and judges macaroons with the PyPI package pymacaroons. Reads and writes the lines that ../foreign.py describes."""

import importlib.metadata
import sys

from pymacaroons import MACAROON_V1, MACAROON_V2, Macaroon, Verifier
from pymacaroons.serializers import BinarySerializer

BINARY = BinarySerializer()


def attempt(step, *given):
    """The result of a step, or "-" where the package refuses it."""
    try:
        return BINARY.serialize_raw(step(*given)).hex()
    except Exception:  # whatever it is, the token cannot be made
        return "-"


def mint(root, location, identifier, caveats, version):
    token = Macaroon(location=location, identifier=identifier, key=root, version=version)
    for caveat in caveats:
        token.add_first_party_caveat(caveat)
    return token


def attenuate(data, caveat):
    token = BINARY.deserialize_raw(data)
    token.add_first_party_caveat(caveat)
    return token


def verify(root, data):
    try:
        token = BINARY.deserialize_raw(data)
    except Exception:  # its own, or one of Python's
        return "malformed"
    if token.third_party_caveats():
        return "third-party"
    verifier = Verifier()
    verifier.satisfy_general(lambda _: True)
    try:
        return "authentic" if verifier.verify(token, root) else "forged"
    except Exception:
        return "forged"


def answer(operation, given):
    if operation == "make":
        root, location, identifier, *caveats = given
        return [attempt(mint, root, location, identifier, caveats, version) for version in (MACAROON_V2, MACAROON_V1)]
    return [attempt(attenuate, *given)] if operation == "attenuate" else [verify(*given)]


def main():
    print(f"implementation\tpymacaroons {importlib.metadata.version('pymacaroons')}")
    for line in sys.stdin:
        operation, name, *given = line.rstrip("\n").split("\t")
        print(operation, name, *answer(operation, list(map(bytes.fromhex, given))), sep="\t")


if __name__ == "__main__":
    main()
