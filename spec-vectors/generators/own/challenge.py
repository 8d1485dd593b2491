"""`WWW-Authenticate`: which challenge a client answers, and what a server writes."""

from .macaroon import padding
from .tokens import BASE, IDENTIFIER, PAYMENT_HASH, TOKEN_ID, b64, token, token_v1
from .values import case, number, texted, kind

INVOICE = "lnbcrt210n1exampleinvoice"
LIMIT = "limit of this implementation"
RFC = "RFC 9110 §11"
QUOTED = "RFC 9110 §5.6.4"
APERTURE = "deployed: Aperture"
DEPLOYED = "met in the wild"
OPAQUE = "L402 §HTTP Client Flow: a token is opaque"
T = b64(token(BASE))
V2 = f'L402 version="0", token="{T}", invoice="{INVOICE}"'
LSAT = f'LSAT macaroon="{T}", invoice="{INVOICE}"'


def odd():
    """A token whose four forms in base64 differ."""
    return next(t for t in (b64(token([b"n=%d" % n])) for n in range(99)) if "+" in t and "/" in t and t.endswith("="))


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
    plus = odd()
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

    yield accept("white-space-only", "white space alone separates behind a quoted value", [V2.replace(",", "")], origin=DEPLOYED)
    yield accept("white-space-before-unquoted", "an unquoted value may stand behind it", [f'L402 version="0"\t token = {T}, invoice={INVOICE}'], origin=DEPLOYED)
    yield accept("white-space-in-another", "white space separates in other schemes too", [f'Bearer realm="x" error="y", {V2}'], origin=DEPLOYED)
    yield accept("white-space-and-next-challenge", "a challenge ends where another begins", [f"{V2.replace(',', '')}, {LSAT.replace(',', '')}"], origin=DEPLOYED)
    yield accept("lightning", "a scheme before the invoice is left out", [V2.replace(INVOICE, "lightning:" + INVOICE)], origin=DEPLOYED)
    yield accept("lightning-in-capitals", "its case does not matter", [V2.replace(INVOICE, "LIGHTNING:" + INVOICE)], origin=DEPLOYED)
    yield accept("lightning-unquoted", "it may be unquoted", [f"L402 token={T}, invoice=Lightning:{INVOICE}"], origin=DEPLOYED)
    yield accept("lightning-escaped", "a value is unescaped before it is looked at", [V2.replace(INVOICE, "\\lightning\\:" + INVOICE + "\\ ")], origin=DEPLOYED)
    yield accept("invoice-blanks", "blanks around an invoice are left out", [V2.replace(INVOICE, f" {INVOICE}\t ")], origin=DEPLOYED)
    yield accept("lightning-blanks", "blanks around both are left out", [V2.replace(INVOICE, f"\t lightning: {INVOICE} ")], origin=DEPLOYED)
    yield accept("lightning-once-more", "an invoice may be given with and without it", [f'{V2}, invoice="lightning:{INVOICE}"'], origin=DEPLOYED)
    for id, text in [("jwt", "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"), ("symbols", "~!#$%&'()*+-./;<=>?@[]^_`{|}"), ("v1", b64(token_v1(BASE))), ("single-quotes", f"'{T}'")]:
        yield accept(f"token-{id}", "any text that can stand in a credential is a token", [V2.replace(T, text)], token=text, origin=OPAQUE)
    yield accept("token-of-8193", "a token of any length is echoed", [V2.replace(T, b64(token([padding(8193)])))], token=texted(b64(token([padding(8193)]))), origin=OPAQUE)
    yield accept("lsat-behind-unfit-token", "a token that cannot be carried gives way to one that can", [V2.replace(T, "a b"), LSAT], "LSAT", origin=OPAQUE)

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
    yield reject("no-white-space", "something separates parameters", "value", [f'L402 version="0"token="{T}", invoice="{INVOICE}"'])
    yield reject("text-behind-quoted-value", "white space separates where a name and an equals sign follow", "value", [f'L402 token="{T}" invoice, invoice="{INVOICE}"'])
    yield reject("token-empty", "a token is not empty", "missing-token", [V2.replace(T, "")], OPAQUE)
    yield reject("token-latin1", "a credential is ASCII", "token-character", [V2.encode().replace(T.encode(), b"\xe9" + T[1:].encode())], OPAQUE)
    yield reject("token-with-colon", "in a credential, a colon ends the token", "token-character", [V2.replace(T, "a:b")], OPAQUE)
    yield reject("token-with-comma", "in a credential, a comma separates tokens", "token-character", [V2.replace(T, "a,b")], OPAQUE)
    yield reject("token-with-space", "in a credential, a space ends the scheme", "token-character", [V2.replace(T, "a b")], OPAQUE)
    yield reject("token-with-tab", "in a credential, white space ends the scheme", "token-character", [V2.replace(T, "a\tb")], OPAQUE)
    yield reject("token-escaped-comma", "a token is unescaped before it is looked at", "token-character", [V2.replace(T, "a\\,b")], OPAQUE)


def tokens():
    def read(id, rule, text, payment_hash=None, expires_at=None, origin=DEPLOYED):
        result = {"payment_hash": payment_hash and payment_hash.hex(), "expires_at": number(expires_at)}
        return case(id, rule, origin, "read", token=texted(text), result=result)

    def named(id, rule, identifier, payment_hash=None):
        return read(id, rule, b64(token(BASE, identifier=identifier)), payment_hash)

    H = PAYMENT_HASH
    yield read("version-0", "66 bytes hold the hash behind the version", T, H, origin="L402 §Identifier")
    yield named("version-1", "another version holds it in the same place", b"\0\1" + H + TOKEN_ID, H)
    yield named("hash-alone", "the 32 bytes of the hash", H, H)
    yield named("byte-and-hash", "one byte and the hash", b"\0" + H, H)
    yield named("hash-in-hex", "64 digits", H.hex().encode(), H)
    yield named("hash-in-capitals", "64 digits in capitals", H.hex().upper().encode(), H)
    yield named("byte-and-hash-in-hex", "66 digits", b"00" + H.hex().encode(), H)
    yield named("version-0-in-hex", "132 digits", IDENTIFIER.hex().encode(), H)
    yield named("name", "a name holds no hash", b"token 1")
    yield named("name-of-32", "32 printable characters are a name", b"a name that has thirty-two bytes")
    yield named("name-of-66", "where a hash would be, printable characters are a name", b"\0\0" + b"abcdefgh" * 8)
    yield named("uuid", "32 digits are 16 bytes", b"0123456789abcdef" * 2)
    yield named("length-31", "31 bytes hold no hash", H[:31])
    yield named("length-34", "34 bytes hold no hash", b"\0\0" + H)
    yield named("length-65", "65 bytes hold no hash", IDENTIFIER[:-1])
    yield named("length-67", "67 bytes hold no hash", IDENTIFIER + b"\0")
    yield named("digits-63", "63 digits hold no hash", H.hex().encode()[1:])
    yield named("identifier-empty", "an empty identifier holds no hash", b"")
    yield read("v1", "a macaroon V1 is read", b64(token_v1(BASE)), H)
    yield read("v1-hash-alone", "a macaroon V1 is read", b64(token_v1(BASE, identifier=H)), H)
    plus = odd()
    yield read("url-safe", "the url-safe alphabet is read", plus.replace("+", "-").replace("/", "_"), H)
    yield read("unpadded", "missing padding is read", plus.rstrip("="), H)

    def ends(id, rule, end, *caveats):
        return read(id, rule, b64(token(list(caveats))), H, end, "L402 §Caveats")

    yield ends("ends", "a token ends with its service", 1_700_000_000, b"services=a:0", b"a_valid_until=1700000000")
    yield ends("ends-earlier", "of one service the earliest end counts", 5, b"services=a:0", b"a_valid_until=9", b" a_valid_until = 5")
    yield ends("ends-with-the-last", "a token ends with the last of its services", 9, b"services=a:0,b:0", b"a_valid_until=5", b"b_valid_until=9")
    yield ends("one-has-no-end", "a service without an end has none", None, b"services=a:0,b:0", b"a_valid_until=5")
    yield ends("one-is-given-up", "the last list of services counts", 5, b"services=a:0,b:0", b"a_valid_until=5", b"services=a:0")
    yield ends("of-another", "a service that is not opened has no say", None, b"services=a:0", b"b_valid_until=5")
    yield ends("no-services", "without a list, every service with an end is one", 9, b"a_valid_until=5", b"b_valid_until=9")
    yield ends("whole-token", "a condition without a service ends the token", 5, b"services=a:0", b"a_valid_until=9", b"valid_until=5")
    yield ends("unreadable-end", "an end that cannot be read says nothing", None, b"services=a:0", b"a_valid_until=soon")
    yield ends("end-of-third-party", "a third party's caveat ends nothing", None, (b"", b"valid_until=5", b"key"))
    yield read("end-without-hash", "the end is read where the hash cannot be", b64(token([b"valid_until=5"], identifier=b"name")), None, 5)

    for id, rule, text in [
        ("jwt", "a JWT is no macaroon", "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"),
        ("no-base64", "any text is a token", "~!'()*-;<=>?@[]^_`{|}"),
        ("single-quotes", "single quotes are part of a token", f"'{T}'"),
        ("not-a-macaroon", "base64 of something else", "AAAA"),
        ("base64-length", "base64 has no single last character", "AgEEA"),
        ("base64-padding", "padding fills a group", "AgE=="),
        ("base64-mixed", "one alphabet", "Ag-/"),
        ("base64-not-canonical", "no bits behind the last byte", "AgF="),
        ("truncated", "half a macaroon", b64(token(BASE)[:-1])),
        ("two-macaroons", "two macaroons are no one", b64(token(BASE) * 2)),
        ("caveats-33", "more caveats than are read", b64(token([b"a"] * 33))),
        ("of-8193", "longer than what is read", b64(token([padding(8193)]))),
        ("of-20000", "longer than what is read", "x" * 20000),
        ("empty", "no text", ""),
    ]:
        yield read(f"opaque-{id}", f"{rule}: nothing is read", text, origin=OPAQUE)


def emit():
    yield case("both-lines", "LSAT first, then L402, with the same token and invoice", "deployed: Aperture, lnget", "emitted",
               token=T, invoice=INVOICE, result={"lines": [LSAT, V2]})
    large = b64(token([padding(8192)]))
    yield case("longest-token", "a token of the greatest length is shown whole", LIMIT, "emitted", token=texted(large), invoice=INVOICE,
               result={"lines": [texted(LSAT.replace(T, large)), texted(V2.replace(T, large))]})


def kinds():
    yield kind("challenge/parse", "The WWW-Authenticate lines of one response, and which challenge to answer.", parse())
    yield kind("challenge/token", "The token of a challenge, and what a client can read in it.", tokens())
    yield kind("challenge/emit", "The WWW-Authenticate lines that a server sends.", emit())
