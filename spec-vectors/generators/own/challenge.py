"""`WWW-Authenticate`: which challenge a client answers, and what a server writes."""

from .macaroon import padding
from .tokens import BASE, b64, token
from .values import case, texted, kind

INVOICE = "lnbcrt210n1exampleinvoice"
LIMIT = "limit of this implementation"
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

    yield accept("lsat-behind-l402", "L402 is preferred also where it stands first", [V2, LSAT.replace(T, b64(token([])))])
    yield accept("two-l402", "of two L402 challenges the first is answered", [f"{V2}, {V2.replace(T, b64(token([])))}"])
    yield accept("two-lsat", "of two LSAT challenges the first is answered", [LSAT, LSAT.replace(T, b64(token([])))], "LSAT")
    yield accept("second-line", "a challenge may stand in any line", ['Basic realm="x"', V2])
    yield accept("lsat-with-version", "a version may stand under the older name", [LSAT.replace("LSAT ", 'LSAT version="0", ')], "LSAT")
    yield accept("escaped-version", "a version is unescaped before it is compared", [V2.replace('"0"', '"\\0"')])
    yield accept("same-parameter-twice", "a parameter may repeat itself", [f"{V2}, token={T}"])
    yield accept("same-once-unescaped", "values are compared unescaped", [f'{V2}, macaroon="\\{T}"'])
    yield accept("symbols-in-a-name", "a name is any token", [f"L402 x!#$%&'*+-.^_`|~1=y, {V2[5:]}"])
    yield accept("quote-in-a-quote", "an escaped quote does not end a value", [f'Basic realm="x\\", L402 token=1, \\"", {V2}'])
    yield accept("quoted-commas", "commas in quotes separate nothing", [f'Digest realm="a,b", qop="auth, auth-int", nonce=x, {V2}'])
    yield accept("bearer-error", "parameters of another scheme are its own", [f'Bearer error="invalid_token", token="x", invoice="y", {V2}'])
    yield accept("empty-quoted-value", "a quoted value may be empty", [f'{V2}, x=""'])
    yield accept("tab-in-value", "a quoted string holds tabs", [f'{V2}, x="a\tb"'], origin=QUOTED)
    yield accept("utf8-in-unknown", "an unknown parameter may hold any text", [f'{V2}, x="\u00e9\u4e2d"'], origin=QUOTED)
    yield accept("latin1-in-unknown", "an unknown parameter may hold bytes that are no UTF-8", [f'{V2}, x="'.encode() + b'\xe9"'], origin=QUOTED)
    yield accept("behind-bare-l402", "a scheme without parameters does not hide a good challenge", [f"L402, {V2}"])
    yield accept("lsat-behind-broken-l402", "a broken L402 challenge gives way to a good LSAT one", ['L402 token="x"', LSAT], "LSAT")
    plus = next(t for t in (b64(token([b"n=%d" % n])) for n in range(99)) if "+" in t and "/" in t and t.endswith("="))
    safe = plus.replace("+", "-").replace("/", "_")
    yield accept("url-safe-token", "the url-safe alphabet is read", [V2.replace(T, safe)], token=safe, origin="met in the wild")
    yield accept("unpadded-token", "missing padding is read", [V2.replace(T, plus.rstrip("="))], token=plus.rstrip("="), origin="met in the wild")
    yield accept("unquoted-url-safe", "an unquoted value may be padded and url-safe", [f"L402 token={safe}, invoice={INVOICE}"], token=safe, origin="met in the wild")
    yield accept("unquoted-padding-at-end", "an unquoted value may end the line with its padding", [f"L402 invoice={INVOICE}, macaroon={plus}"], token=plus, origin="met in the wild")
    yield accept("long-invoice", "an invoice may be long", [V2.replace(INVOICE, "lnbc1" + "q" * 3000)], invoice=texted("lnbc1" + "q" * 3000))
    large = b64(token([padding(8192)]))
    yield accept("token-of-8192", "a token of the greatest length is read", [V2.replace(T, large)], token=texted(large), origin=LIMIT)
    yield accept("parameters-64", "64 parameters are read", [V2 + ", a=b" * 61], origin=LIMIT)
    yield accept("parameters-of-another", "parameters of other schemes are not counted", [f"Digest a=b{', a=b' * 3000}, {V2}"], origin=LIMIT)
    yield accept("commas", "thousands of empty elements are skipped", ["," * 20000 + V2], origin=LIMIT)
    yield accept("line-of-32768", "32768 bytes are read", [V2 + " " * (32768 - len(V2))], origin=LIMIT)

    yield reject("nothing", "there must be a challenge", "missing", [])
    yield reject("empty-line", "there must be a challenge", "missing", [""])
    yield reject("other-scheme", "there must be a challenge of ours", "missing", ['Basic realm="x"'])
    yield reject("broken-other-scheme", "what is wrong with another scheme is not ours to report", "missing", ['Basic realm="x'])
    yield reject("unknown-version", "version 0 or none", "missing", [V2.replace('"0"', '"1"')])
    yield reject("no-token", "a token is needed", "missing-token", [f'L402 version="0", invoice="{INVOICE}"'])
    yield reject("no-invoice", "an invoice is needed", "missing-invoice", [f'L402 version="0", token="{T}"'])
    yield reject("synonyms-differ", "synonyms must agree", "contradiction", [f'L402 macaroon="{T}", token="AA==", invoice="{INVOICE}"'])
    yield reject("invoice-twice", "a parameter says one thing", "contradiction", [f'L402 token="{T}", invoice="a", invoice="b"'])
    yield reject("line-break-in-value", "a quoted string holds no control character", "control-character", [f'L402 token="{T}\r\nX: y", invoice="{INVOICE}"'], QUOTED)
    yield reject("escaped-nul", "an escape holds no control character", "control-character", [f'L402 token="{T}\\\0", invoice="{INVOICE}"'], QUOTED)
    yield reject("empty-version", "our challenges have parameters and no token68", "value", [f'L402 version=, token="{T}", invoice="{INVOICE}"'])
    yield reject("open-quote", "a quoted string ends", "quote", [f'L402 token="{T}'])
    yield reject("escape-at-end", "an escape has a character", "quote", ['L402 token="a\\'])
    yield reject("two-values", "a comma separates parameters", "value", [f'L402 token="{T}" "{T}", invoice="{INVOICE}"'])
    yield reject("no-value", "a parameter has a value", "value", ["L402 version=0, token=, invoice=x"])
    yield reject("no-scheme", "a field begins with a scheme", "scheme", ['="x"'])
    yield reject("delete-in-value", "a quoted string holds no control character", "control-character", [f'{V2}, x="\x7f"'], QUOTED)
    yield reject("nul-in-unquoted", "a token holds no control character", "control-character", [f"L402 token={T}, invoice={INVOICE}\0"], QUOTED)
    yield reject("nul-first", "a scheme holds no control character", "scheme", ["\0" + V2])
    yield reject("quoted-scheme", "a scheme is no quoted string", "scheme", [f'"L402" token="{T}", invoice="{INVOICE}"'])
    yield reject("scheme-with-colon", "a space ends a scheme", "scheme", [V2.replace("L402 ", "L402: ")])
    yield reject("text-behind-value", "nothing stands between a value and its comma", "value", [f"L402 token={T} x, invoice={INVOICE}"])
    yield reject("no-comma", "a comma separates parameters", "value", [f"L402 token={T} invoice={INVOICE}"])
    yield reject("name-missing", "a parameter has a name", "value", [f'L402 ="{T}", invoice="{INVOICE}"'])
    yield reject("colon-for-equals", "a parameter has an equals sign", "missing-token", [f'L402 token: "{T}"'])
    yield reject("credential-for-challenge", "our challenges have no token68", "missing-token", ["L402 AgEE"])
    yield reject("bare-scheme", "a challenge has parameters", "missing-token", ["L402"])
    yield reject("version-00", "a version is compared as text", "missing", [V2.replace('"0"', '"00"')])
    yield reject("version-empty", "an empty version is unknown", "missing", [V2.replace('"0"', '""')])
    yield reject("version-twice", "a version says one thing", "contradiction", [V2 + ', version="1"'])
    yield reject("contradiction-and-version", "a challenge that contradicts itself is broken, whatever its version", "contradiction", [V2.replace('"0"', '"1"') + ", invoice=x"])
    yield reject("lsat-with-version-1", "a version counts under the older name too", "missing", [LSAT.replace("LSAT ", 'LSAT version="1", ')])
    yield reject("first-fault", "of two broken challenges the first is reported", "missing-invoice", [f'L402 token="{T}"', f'L402 invoice="{INVOICE}"'])
    yield reject("invoice-latin1", "an invoice is ASCII", "invoice-not-ascii", [V2.encode().replace(b"lnbcrt", b"lnbcrt\xe9")], "BOLT 11")
    yield reject("invoice-utf8", "an invoice is ASCII", "invoice-not-ascii", [V2.replace("lnbcrt", "l\u0438bcrt")], "BOLT 11")
    yield reject("parameters-65", "64 parameters at most", "too-many-parameters", [V2 + ", a=b" * 62], LIMIT)
    yield reject("parameters-3000", "thousands of parameters", "too-many-parameters", ["L402 a=b" + ", a=b" * 3000 + "," + V2[5:]], LIMIT)
    yield reject("line-of-32769", "32768 bytes at most", "too-long", [V2 + " " * (32769 - len(V2))], LIMIT)
    yield reject("line-of-64-kib", "a long value is not read", "too-long", [f'L402 x="{"y" * 65536}", {V2[5:]}'], LIMIT)
    yield reject("single-quotes", "single quotes are part of a token", "base64-invalid-character", [f"L402 token='{T}', invoice={INVOICE}"])
    yield reject("token-latin1", "the token is base64", "base64-invalid-character", [V2.encode().replace(T.encode(), b"\xe9" + T[1:].encode())])
    yield reject("token-length", "base64 has no single last character", "base64-length", [V2.replace(T, "AgEEA")])
    yield reject("token-padding", "padding fills a group", "base64-padding", [V2.replace(T, "AgE==")])
    yield reject("token-mixed", "one alphabet", "base64-mixed-alphabets", [V2.replace(T, "Ag-/")])
    yield reject("token-not-canonical", "no bits behind the last byte", "base64-not-canonical", [V2.replace(T, "AgF=")])
    yield reject("token-empty", "the token is a macaroon", "macaroon-empty", [V2.replace(T, "")])
    yield reject("token-not-a-macaroon", "the token is a macaroon", "macaroon-unsupported-version", [V2.replace(T, "AAAA")])
    yield reject("token-truncated", "the token is a whole macaroon", "macaroon-truncated", [V2.replace(T, b64(token(BASE)[:-1]))])
    yield reject("token-trailing", "the token is one macaroon", "macaroon-trailing-bytes", [V2.replace(T, b64(token(BASE) * 2))], "deployed: go-macaroon reads a slice")
    yield reject("token-caveats-33", "32 caveats at most", "macaroon-too-many-caveats", [V2.replace(T, b64(token([b"a"] * 33)))], LIMIT)
    yield reject("token-of-8193", "8192 bytes at most", "token-too-long", [V2.replace(T, b64(token([padding(8193)])))], LIMIT)
    yield reject("token-not-base64", "the token is base64", "base64-invalid-character", [V2.replace(T, "!" + T[1:])])


def emit():
    yield case("both-lines", "LSAT first, then L402, with the same token and invoice", "deployed: Aperture, lnget", "emitted",
               token=T, invoice=INVOICE, result={"lines": [LSAT, V2]})
    large = b64(token([padding(8192)]))
    yield case("longest-token", "a token of the greatest length is shown whole", LIMIT, "emitted", token=texted(large), invoice=INVOICE,
               result={"lines": [texted(LSAT.replace(T, large)), texted(V2.replace(T, large))]})


def kinds():
    yield kind("challenge/parse", "The WWW-Authenticate lines of one response, and which challenge to answer.", parse())
    yield kind("challenge/emit", "The WWW-Authenticate lines that a server sends.", emit())
