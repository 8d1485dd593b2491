"""`WWW-Authenticate`: which challenge a client answers, and what a server writes."""

from .tokens import BASE, b64, token
from .values import case, texted, write

INVOICE = "lnbcrt210n1exampleinvoice"
RFC = "RFC 9110 §11"
QUOTED = "RFC 9110 §5.6.4"
APERTURE = "deployed: Aperture"
T = b64(token(BASE))
V2 = f'L402 version="0", token="{T}", invoice="{INVOICE}"'
LSAT = f'LSAT macaroon="{T}", invoice="{INVOICE}"'


def given(lines):
    if all(isinstance(line, str) for line in lines):
        return {"lines": list(map(texted, lines))}
    return {"lines_hex": [(line.encode() if isinstance(line, str) else line).hex() for line in lines]}


def parse():
    def accept(id, rule, lines, scheme="L402", origin=RFC, token=T, invoice=INVOICE):
        return case(id, rule, origin, "read", **given(lines), result={"scheme": scheme, "token": token, "invoice": invoice})

    def reject(id, rule, error, lines, origin=RFC):
        return case(id, rule, origin, "refused", error, **given(lines))

    yield accept("specification", "the form of the specification", [V2], origin="L402 §HTTP Server Flow")
    yield accept("lsat", "the older scheme", [LSAT], "LSAT", APERTURE)
    yield accept("two-lines", "L402 is preferred wherever it stands", [LSAT, V2], origin=APERTURE)
    yield accept("joined-lines", "lines joined with a comma are the same", [f"{LSAT}, {V2}"])
    yield accept("macaroon-under-l402", "macaroon is a synonym of token", [f'L402 macaroon="{T}", invoice="{INVOICE}"'], origin=APERTURE)
    yield accept("token-under-lsat", "token is a synonym of macaroon", [f'LSAT token="{T}", invoice="{INVOICE}"'], "LSAT")
    yield accept("both-agree", "synonyms may both be present", [f'L402 macaroon="{T}", token="{T}", invoice="{INVOICE}"'])
    yield accept("any-order", "parameters have no order", [f'L402 invoice="{INVOICE}", token="{T}", version="0"'])
    yield accept("any-case", "names ignore letter case", [f'l402 VERSION="0", Token="{T}", INVOICE="{INVOICE}"'])
    yield accept("white-space", "white space around = and , is optional", [f'L402   version = "0" ,\ttoken= "{T}",invoice ="{INVOICE}"  '])
    yield accept("unknown-parameter", "unknown parameters are ignored", [f'L402 version="0", realm="a, b=c", token="{T}", invoice="{INVOICE}", x=y'])
    yield accept("unquoted", "values may be tokens", [f"L402 version=0, token={T}, invoice={INVOICE}"], origin="met in the wild")
    yield accept("escaped", "a quoted string may escape any character", [f'L402 token="\\{T}", invoice="\\{INVOICE}"'])
    yield accept("empty-elements", "empty list elements are skipped", [f', ,L402 version="0",, token="{T}", ,invoice="{INVOICE}",'])
    yield accept("behind-basic", "other schemes are skipped", [f'Basic realm="x, L402 token=1", {V2}'])
    yield accept("before-basic", "a challenge ends where another begins", [f'{V2}, Basic realm="x"'])
    yield accept("behind-token68", "token68 of other schemes is skipped", [f"Negotiate oYGVMIGSoAMKAQE==, {V2}"])
    yield accept("behind-bare-scheme", "a scheme may stand alone", [f"Negotiate, {V2}"])
    yield accept("behind-unknown-version", "a version that is not 0 is not ours", [V2.replace('"0"', '"1"').replace(T, "AA=="), V2])
    yield accept("behind-a-broken-one", "a broken challenge does not hide a good one", ['L402 token="x"', V2])

    yield reject("nothing", "there must be a challenge", "missing", [])
    yield reject("empty-line", "there must be a challenge", "missing", [""])
    yield reject("other-scheme", "there must be a challenge of ours", "missing", ['Basic realm="x"'])
    yield reject("broken-other-scheme", "what is wrong with another scheme is not ours to report", "missing", ['Basic realm="x'])
    yield reject("unknown-version", "version 0 or none", "missing", [V2.replace('"0"', '"1"')])
    yield reject("no-token", "a token is needed", "missing-token", [f'L402 version="0", invoice="{INVOICE}"'])
    yield reject("no-invoice", "an invoice is needed", "missing-invoice", [f'L402 version="0", token="{T}"'])
    yield reject("synonyms-differ", "synonyms must agree", "contradiction", [f'L402 macaroon="{T}", token="AA==", invoice="{INVOICE}"'])
    yield reject("invoice-twice", "a parameter says one thing", "contradiction", [f'L402 token="{T}", invoice="a", invoice="b"'])
    yield reject("line-break-in-value", "a quoted string holds no control character", "quote", [f'L402 token="{T}\r\nX: y", invoice="{INVOICE}"'], QUOTED)
    yield reject("escaped-nul", "an escape holds no control character", "quote", [f'L402 token="{T}\\\0", invoice="{INVOICE}"'], QUOTED)
    yield reject("empty-version", "our challenges have parameters and no token68", "value", [f'L402 version=, token="{T}", invoice="{INVOICE}"'])
    yield reject("open-quote", "a quoted string ends", "quote", [f'L402 token="{T}'])
    yield reject("escape-at-end", "an escape has a character", "quote", ['L402 token="a\\'])
    yield reject("two-values", "a comma separates parameters", "value", [f'L402 token="{T}" "{T}", invoice="{INVOICE}"'])
    yield reject("no-value", "a parameter has a value", "value", ["L402 version=0, token=, invoice=x"])
    yield reject("no-scheme", "a field begins with a scheme", "scheme", ['="x"'])
    yield reject("token-not-base64", "the token is base64", "base64-invalid-character", [V2.replace(T, "!" + T[1:])])


def emit():
    yield case("both-lines", "LSAT first, then L402, with the same token and invoice", "deployed: Aperture, lnget", "emitted",
               token=T, invoice=INVOICE, result={"lines": [LSAT, V2]})


def write_all():
    yield write("challenge/parse", "The WWW-Authenticate lines of one response, and which challenge to answer.", parse())
    yield write("challenge/emit", "The WWW-Authenticate lines that a server sends.", emit())
