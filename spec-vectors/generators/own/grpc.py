"""gRPC: metadata keys as credential, and the trailers-only answer."""

from .credential import APERTURE, presented
from .challenge import LSAT, T, V2, INVOICE
from .tokens import BASE, PAID, PAYMENT_HASH, token
from .values import case, write


def credential():
    paid = token(PAID)
    for name in ["macaroon", "token"]:
        yield presented(f"key-{name}", "a metadata key holds a hexadecimal token with a preimage caveat", APERTURE, "authentic", [(name, paid.hex())],
                        result={"payment_hash": PAYMENT_HASH.hex()})
    yield presented("no-preimage", "a metadata key has no other place for the preimage", APERTURE, "malformed", [("macaroon", token(BASE).hex())], "missing-preimage")


def response():
    def answered(id, rule, headers, verdict, error=None, status=200, result=None):
        return case(id, rule, APERTURE, verdict, error, status=status, headers=[{"name": name, "value": value} for name, value in headers], result=result)

    unpaid = [("content-type", "application/grpc"), ("grpc-status", "13"), ("grpc-message", "payment required")]
    lines = [("www-authenticate", LSAT), ("www-authenticate", V2)]
    yield answered("payment-required", "status 13 with challenges demands payment", unpaid + lines, "pay", result={"scheme": "L402", "token": T, "invoice": INVOICE})
    yield answered("no-challenge", "status 13 without a challenge is an error of its own", unpaid, "deliver")


def write_all():
    yield write("grpc/credential", "Credentials in gRPC metadata.", credential())
    yield write("grpc/response", "Trailers-only answers, and whether they demand payment.", response())
