"""Caveats of an authentic, paid token: what they permit at a time, and how a later one must narrow an earlier one."""

import hashlib

from .keys import TERMS
from .tokens import IDENTIFIER, PREIMAGE, ROOT, token
from .values import case, hexed, number, kind

NOW = 1_700_000_000
CAVEATS = "L402 §Caveats"
APERTURE = "deployed: Aperture"
T5 = "threat T5"
S2 = "threat S2: what is remembered of a token outlives it"
SALE = bytes(16)
FOUND = "bug found here: a list of a thousand services took 18 ms to refuse"


def offer(service="weather", tier=0, capability=None, **metered):
    return {"service": service, "tier": tier, "capability": capability, **metered}


def asked(id, rule, texts, verdict, error=None, unknown="refuse", now=NOW, origin=CAVEATS, expires_at=None, made_by="own", data=None, more=None, **sold):
    texts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    ends = None if error else {"expires_at": number(expires_at)} | (more or {})
    return case(id, rule, origin, verdict, error, made_by, caveats=list(map(hexed, texts)), offer=offer(**sold), unknown=unknown, now=str(now),
                root_key=ROOT.hex(), macaroon=hexed(data or token(texts)), preimage=PREIMAGE.hex(), result=ends)


def grant(id, rule, *texts, **more):
    return asked(id, rule, texts, "granted", **more)


def deny(id, rule, error, *texts, **more):
    return asked(id, rule, texts, "denied", error, **more)


def price(id, rule, sold_msat, *texts, **more):
    """Granted, and the price that the token was sold for is known."""
    return asked(id, rule, texts, "granted", more={"sold_msat": number(sold_msat)}, origin=TERMS, **more)


def counted(id, rule, counters, *texts, ends=NOW + 60, origin=TERMS, sold_msat=None, expires_at=None, limit=lambda limit: {"limit": limit}, **more):
    """A ledger must count. A counter is its limit, and the position of its caveat unless it is the sale's own."""
    keys = [SALE if at is None else branch(texts[: at + 1]) for _, at in counters]
    facts = {"sale_ends_at": number(ends), "counters": [{"key": key.hex(), **limit(most)} for key, (most, _) in zip(keys, counters)]}
    facts |= {"sold_msat": number(sold_msat)} if sold_msat else {}
    return asked(id, rule, texts, "counted", more=facts, origin=origin, expires_at=expires_at or ends, **more)


def balance(id, rule, counters, *texts, **more):
    """The same of a route that is metered: its counters are amounts of money."""
    return counted(id, rule, counters, *texts, limit=lambda msat: {"balance_msat": number(msat)}, metered=True, **more)


def branch(texts):
    """The key of a holder's counter: a hash of the identifier and of every caveat up to its own."""
    parts = [IDENTIFIER, *(text.encode() for text in texts)]
    return hashlib.sha256(b"l402 ledger branch v1" + b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()[:16]


def narrowing():
    s = "services=weather:0"
    yield grant("valid-narrowed", "the earliest end counts", s, f"weather_valid_until={NOW + 9}", f"weather_valid_until={NOW + 5}", expires_at=NOW + 5)
    yield grant("valid-repeated", "the same end again is not wider", s, f"weather_valid_until={NOW + 5}", f"weather_valid_until={NOW + 5}", expires_at=NOW + 5)
    yield grant("services-narrowed", "a later list is a subset", "services=weather:3,maps:0", "services=weather:1", tier=1)
    yield grant("capabilities-narrowed", "a later list is a subset", s, "weather_capabilities=a,b,c", "weather_capabilities=b", capability="b")
    yield deny("expired-then-extended", "an end cannot be moved back", "expired", s, f"weather_valid_until={NOW - 1}", f"weather_valid_until={NOW + 9}")
    yield deny("end-widened", "a later caveat narrows", "widened", s, f"weather_valid_until={NOW + 5}", f"weather_valid_until={NOW + 9}")
    yield deny("services-widened", "a later caveat narrows", "widened", s, "services=weather:0,maps:0")
    yield deny("tier-widened", "a later caveat narrows", "widened", s, "services=weather:1")
    yield deny("capabilities-widened", "a later caveat narrows", "widened", s, "weather_capabilities=a", "weather_capabilities=a,b", capability="a")
    yield deny("service-dropped", "a later caveat narrows", "other-service", "services=weather:0,maps:0", "services=maps:0")

    yield grant("services-repeated", "the same services again are not wider", "services=weather:1,maps:0", "services=maps:0,weather:1", tier=1)
    yield grant("services-thrice", "each list narrows the one before", "services=a:0,b:0,weather:5", "services=b:0,weather:4", "services=weather:3", tier=3)
    yield grant("capabilities-repeated", "the same capabilities in another order are not wider", s, "weather_capabilities=a,b", "weather_capabilities=b,a", capability="a")
    yield grant("empty-capabilities-repeated", "an empty list narrows an empty one", s, "weather_capabilities=", "weather_capabilities=")
    yield grant("end-thrice", "the earliest end counts", s, *[f"weather_valid_until={NOW + n}" for n in (9, 7, 1)], expires_at=NOW + 1)
    yield grant("other-services-end", "conditions of another named service are not held against each other", "services=weather:0,maps:0", "maps_valid_until=5", "maps_valid_until=9")
    yield grant("condition-of-a-dropped-service", "a condition may speak of a service that the first list named", "services=weather:0,maps:0", "services=weather:0", "maps_volume=1")
    yield deny("capability-added-to-none", "an empty list is the empty set", "other-capability", s, "weather_capabilities=", "weather_capabilities=a", capability="a", origin="bug found here: a token for the whole service took any capability")
    yield deny("capability-exchanged", "a later list is a subset", "widened", s, "weather_capabilities=a,b", "weather_capabilities=b,c", capability="b")
    yield deny("capabilities-widened-again", "a list is held against the last one, not the first", "widened", s, "weather_capabilities=a,b", "weather_capabilities=a", "weather_capabilities=a,b", capability="a")
    yield deny("tier-widened-again", "a tier is held against the last one", "widened", "services=weather:3", "services=weather:1", "services=weather:2", tier=1)
    yield deny("end-widened-again", "an end is held against the last one", "widened", s, f"weather_valid_until={NOW + 9}", f"weather_valid_until={NOW + 5}", f"weather_valid_until={NOW + 7}")
    yield deny("end-widened-by-spaces", "conditions compare trimmed", "widened", s, f"weather_valid_until={NOW + 5}", f" weather_valid_until = {NOW + 9} ")
    yield deny("services-exchanged", "a later list is a subset", "widened", "services=weather:0,maps:0", "services=weather:0,news:0")
    yield deny("capability-dropped", "a later list may drop what is asked for", "other-capability", s, "weather_capabilities=a,b", "weather_capabilities=b", capability="a")
    yield deny("all-capabilities-dropped", "a later list may be empty", "other-capability", s, "weather_capabilities=a", "weather_capabilities=", capability="a")

    sold, ends = (s, "weather_uses=100"), f"weather_valid_until={NOW + 60}"
    yield counted("uses-narrowed", "a later number is not above the earlier one", [(100, None), (5, 3)], *sold, ends, "weather_uses=5")
    yield counted("uses-lent", "each label is a counter of its own", [(100, None), (5, 3)], *sold, ends, "weather_uses=5:for.bob_1")
    yield counted("uses-lent-twice", "a branch has branches", [(100, None), (50, 3), (5, 4)], *sold, ends, "weather_uses=50:a", "weather_uses=5:b")
    yield counted("uses-lent-whole", "the same number again is not wider", [(100, None), (100, 3)], *sold, ends, "weather_uses=100:a")
    yield counted("uses-until-an-earlier-end", "the record ends with the sale, whatever end a holder adds", [(100, None), (5, 3)], *sold, ends, "weather_uses=5:a",
                  f"weather_valid_until={NOW + 9}", expires_at=NOW + 9, origin=S2)
    yield counted("four-counters", "a request has at most four counters", [(100, None), (9, 3), (8, 4), (7, 5)], *sold, ends, "weather_uses=9:a", "weather_uses=8:a", "weather_uses=7:a")
    yield counted("uses-after-the-end", "a counter behind an end is a holder's", [(5, 2)], s, ends, "weather_uses=5", origin=T5)
    yield deny("five-counters", "a request has at most four counters", "too-many-counters", *sold, ends, *[f"weather_uses={n}:a" for n in (9, 8, 7, 6)], origin=TERMS)
    yield deny("uses-widened", "a later number is not above the earlier one", "widened", *sold, ends, "weather_uses=101:a", origin=T5)
    yield deny("uses-widened-again", "a number is held against the last one", "widened", *sold, ends, "weather_uses=5:a", "weather_uses=6:b", origin=T5)
    yield deny("uses-widened-by-spaces", "conditions compare trimmed", "widened", *sold, ends, " weather_uses = 101 ", origin=T5)
    yield deny("uses-before-an-end", "a second counter stands behind an end", "no-end", *sold, "weather_uses=5", ends, origin=S2)
    yield deny("label-before-an-end", "a label is a holder's, and stands behind an end", "no-end", s, "weather_uses=5:a", ends, origin=S2)
    sold = (s, "weather_balance_msat=5000")
    yield balance("balance-narrowed", "a later balance is not above the earlier one", [(5000, None), (100, 3)], *sold, ends, "weather_balance_msat=100")
    yield balance("balance-lent", "each label is a counter of its own", [(5000, None), (100, 3)], *sold, ends, "weather_balance_msat=100:for.bob_1")
    yield balance("balance-after-the-end", "a counter behind an end is a holder's", [(5, 2)], s, ends, "weather_balance_msat=5", origin=T5)
    yield deny("balance-widened", "a later balance is not above the earlier one", "widened", *sold, ends, "weather_balance_msat=5001:a", metered=True, origin=T5)
    yield deny("balance-twice-before-an-end", "a second counter stands behind an end", "no-end", *sold, "weather_balance_msat=5", ends, metered=True, origin=S2)
    yield deny("uses-behind-a-balance", "uses and money cannot be compared", "widened", *sold, ends, "weather_uses=5", metered=True, origin=T5)
    yield deny("balance-behind-uses", "uses and money cannot be compared", "widened", s, "weather_uses=5", ends, "weather_balance_msat=5", metered=True, origin=T5)
    yield deny("balance-and-uses-before-an-end", "a second counter stands behind an end", "no-end", *sold, "weather_uses=5", ends, metered=True, origin=T5)
    yield deny("five-balances", "a request has at most four counters", "too-many-counters", *sold, ends, *[f"weather_balance_msat={n}:a" for n in (9, 8, 7, 6)], metered=True, origin=TERMS)
    yield deny("sale-twice", "a token is sold once", "widened", s, "weather_sale=1000,default", "weather_sale=1000,default", origin=TERMS)


def satisfaction():
    s = "services=weather:0"
    ends = f"weather_valid_until={NOW + 60}"
    yield counted("uses", "a number of uses needs a ledger", [(1, None)], s, "weather_uses=1", ends)
    yield counted("uses-as-sold", "the terms of a sale, in their order", [(100, None)], s, "weather_capabilities=", "weather_uses=100", "weather_sale=21000,default", ends, sold_msat=21_000)
    yield counted("most-uses", "a number of uses has 32 bits", [(4294967295, None)], s, "weather_uses=4294967295", ends)
    yield counted("uses-with-spaces-around", "white space around both parts is read", [(3, None)], s, " weather_uses =\t3 ", ends)
    yield counted("uses-not-skipped", "the literal rule skips no number of uses", [(1, None)], s, "weather_uses=1", ends, unknown="skip", origin=T5)
    yield counted("uses-of-a-prefix", "a condition belongs to the longest named service", [(2, None)], "services=a:0,a_b:0", "a_uses=1", "a_valid_until=1", "a_b_uses=2", f"a_b_valid_until={NOW + 60}", service="a_b")
    yield grant("uses-of-another", "conditions of another named service are its own", "services=weather:0,maps:0", "maps_uses=1", "maps_sale=x", "maps_balance_msat=1", origin=TERMS)
    yield price("sale", "price and plan", 21_000, s, "weather_sale=21000,default")
    yield price("largest-sale", "a price has 64 bits", 2**64 - 1, s, f"weather_sale={2**64 - 1},{'p' * 64}")
    yield price("sale-not-skipped", "the literal rule knows a sale", 1, s, "weather_sale=1,a.b-c_d", unknown="skip")
    yield deny("uses-without-end", "a number of uses needs an end", "no-end", s, "weather_uses=1", origin=S2)
    yield deny("uses-with-the-end-of-another", "the end is the service's own", "no-end", "services=weather:0,maps:0", "weather_uses=1", "maps_valid_until=1", origin=S2)
    for id, rule, value in [("zero", "a use is sold", "0"), ("above-32-bits", "a number of uses has 32 bits", "4294967296"), ("signed", "a number is digits", "+1"), ("negative", "a number is digits", "-1"),
                            ("empty", "a number is digits", ""), ("with-space", "white space stands around the value, not in it", "1 0"), ("unlimited", "a number is digits", "unlimited"),
                            ("of-another-script", "digits are ASCII", "\u0661"), ("label-empty", "a label is a name", "1:"), ("label-with-comma", "a label is a name", "1:a,b"),
                            ("label-behind-space", "a label is a name", "1: a"), ("label-of-65", "a label has 64 characters at most", "1:" + "a" * 65), ("two-labels", "a label is a name", "1:a:b"),
                            ("label-alone", "a number is digits", ":a")]:
        for unknown in ("refuse", "skip") if id == "zero" else ("refuse",):
            yield deny(f"uses-{id}" + "-skip" * (unknown == "skip"), rule, "undecodable-caveat", s, f"weather_uses={value}", ends, unknown=unknown, origin=T5)
    for id, rule, value in [("without-plan", "a sale is price,plan", "1000"), ("plan-empty", "a plan is a name", "1000,"), ("price-empty", "a price is digits", ",default"), ("price-signed", "a price is digits", "+1,default"),
                            ("price-above-64-bits", "a price has 64 bits", f"{2**64},default"), ("plan-with-comma", "a plan is a name", "1000,a,b"), ("plan-behind-space", "a plan is a name", "1000, default")]:
        yield deny(f"sale-{id}", rule, "undecodable-caveat", s, f"weather_sale={value}", origin=TERMS)
    sold = ("weather_capabilities=", "weather_balance_msat=21000", "weather_sale=21000,default", ends)
    yield balance("balance-of-a-metered-route", "a balance needs a ledger", [(1, None)], s, "weather_balance_msat=1", ends)
    yield balance("balance-as-sold", "the terms of a sale, in their order", [(21_000, None)], s, *sold, sold_msat=21_000)
    yield balance("largest-balance", "a balance has 53 bits, which every store and every language counts exactly", [(2**53 - 1, None)], s, f"weather_balance_msat={2**53 - 1}", ends)
    yield balance("balance-with-zeros-before", "a number may begin with zeros", [(7, None)], s, "weather_balance_msat=007", ends)
    yield balance("balance-with-spaces-around", "white space around both parts is read", [(3, None)], s, " weather_balance_msat =\t3 ", ends)
    yield balance("balance-of-a-metered-route-not-skipped", "the literal rule skips no balance", [(1, None)], s, "weather_balance_msat=1", ends, unknown="skip", origin=T5)
    yield counted("uses-of-a-metered-route", "what was sold as uses stays so", [(3, None)], s, "weather_uses=3", ends, metered=True)
    yield grant("end-of-a-metered-route", "what was sold by time stays so", s, ends, metered=True, origin=TERMS, expires_at=NOW + 60)
    yield grant("balance-of-another", "conditions of another named service are its own", "services=weather:0,maps:0", "maps_balance_msat=0", metered=True, origin=TERMS)
    yield deny("balance-without-end", "a balance needs an end", "no-end", s, "weather_balance_msat=1", metered=True, origin=S2)
    for id, rule, value in [("zero", "a balance is sold", "0"), ("zero-thrice", "a balance is sold", "000"), ("above-53-bits", "a balance has 53 bits", f"{2**53}"), ("above-64-bits", "a balance has 53 bits", f"{2**64}"),
                            ("signed", "a number is digits", "+1"), ("negative", "a number is digits", "-1"), ("empty", "a number is digits", ""), ("with-fraction", "a number is digits", "1.5"),
                            ("with-exponent", "a number is digits", "1e3"), ("with-space", "white space stands around the value, not in it", "1 0"), ("with-unit", "a number is digits", "1 msat"),
                            ("label-empty", "a label is a name", "1:"), ("label-with-comma", "a label is a name", "1:a,b")]:
        for unknown in ("refuse", "skip") if id == "zero" else ("refuse",):
            yield deny(f"balance-{id}" + "-skip" * (unknown == "skip"), rule, "undecodable-caveat", s, f"weather_balance_msat={value}", ends, unknown=unknown, metered=True, origin=T5)
    yield deny("balance", "where a route is not metered, nothing says what a request costs", "no-ledger", s, "weather_balance_msat=1000", ends, origin=TERMS)
    yield deny("balance-not-skipped", "the literal rule skips no balance", "no-ledger", s, "weather_balance_msat=1000", ends, unknown="skip", origin=TERMS)
    third = (b"https://third", b"third-party id", b"\xaa" * 48)
    yield grant("service", "the service is named", s)
    yield grant("service-among-others", "services are a list", "services=maps:1,weather:0")
    yield grant("white-space", "white space around both parts is read", " services \t= weather:0 ")
    yield grant("higher-tier", "a higher tier includes the lower ones", "services=weather:2", tier=1)
    yield grant("capability", "the capability is named", s, "weather_capabilities=read,write", capability="write")
    yield grant("empty-capabilities", "an empty list restricts nothing where no capability is asked for", s, "weather_capabilities=", origin=APERTURE)
    yield grant("valid", "the token has not ended", s, f"weather_valid_until={NOW + 1}", expires_at=NOW + 1)
    yield grant("other-service-condition", "conditions of another named service are its own", "services=weather:0,maps:0", "maps_valid_until=1")
    yield grant("prefix-of-another", "a condition belongs to the longest named service", "services=a:0,a_b:0", "a_b_capabilities=x", "a_b_valid_until=1", service="a")
    yield grant("begins-with-another", "a condition belongs to the longest named service", "services=a:0,a_b:0", "a_capabilities=x", "a_b_capabilities=y", service="a_b", capability="y")
    yield grant("unreadable-skipped", "the literal rule skips what is no caveat of ours", s, "no equals sign", unknown="skip", origin=APERTURE)
    yield grant("preimage", "the preimage that paid", s, "preimage=" + PREIMAGE.hex())
    yield grant("unknown-skipped", "the literal rule skips unknown conditions", s, "colour=blue", unknown="skip")
    yield grant("value-with-equals", "a caveat splits at its first =", s, "note=a=b", unknown="skip")
    yield deny("no-services", "services must be present", "no-services", f"weather_valid_until={NOW + 1}")
    yield deny("no-caveats", "services must be present", "no-services")
    yield deny("other-service", "the service must be named", "other-service", "services=maps:0")
    yield deny("service-prefix", "names compare whole", "other-service", "services=weather2:0")
    yield deny("service-case", "names compare exactly", "other-service", "services=Weather:0")
    yield deny("tier", "the tier suffices", "tier-too-low", "services=weather:0", tier=1)
    yield deny("capability-missing", "the capability must be named", "other-capability", s, "weather_capabilities=read", capability="write")
    yield deny("capabilities-absent", "a required caveat is present", "no-capabilities", s, capability="read")
    yield deny("restricted-for-whole", "a restricted token does not open the whole service", "other-capability", s, "weather_capabilities=read")
    yield deny("capabilities-of-another", "a capability counts for its service", "no-capabilities", "services=weather:0,maps:0", "maps_capabilities=read", capability="read")
    yield deny("expired", "the token has ended", "expired", s, f"weather_valid_until={NOW - 1}")
    yield deny("expires-now", "the end is exclusive", "expired", s, f"weather_valid_until={NOW}")
    yield deny("end-not-a-number", "a value reads as its condition demands", "undecodable-caveat", s, "weather_valid_until=soon")
    yield deny("end-signed", "a number is digits", "undecodable-caveat", s, "weather_valid_until=+1800000000")
    yield deny("end-empty", "a number is digits", "undecodable-caveat", s, "weather_valid_until=")
    yield deny("end-too-large", "a number fits 64 bits", "undecodable-caveat", s, "weather_valid_until=99999999999999999999")
    yield deny("services-empty", "a value reads as its condition demands", "undecodable-caveat", "services=")
    yield deny("services-without-tier", "an entry is name:tier", "undecodable-caveat", "services=weather")
    yield deny("services-bad-tier", "a tier is a number", "undecodable-caveat", "services=weather:x")
    yield deny("services-twice", "a name occurs once", "undecodable-caveat", "services=weather:0,weather:9")
    yield deny("services-trailing-comma", "no entry is empty", "undecodable-caveat", "services=weather:0,")
    yield deny("capabilities-hole", "no entry is empty", "undecodable-caveat", s, "weather_capabilities=a,,b", capability="a")
    most = [f"s{number}:0" for number in range(63)] + ["weather:0"]
    yield grant("services-at-most", "a list has at most 64 entries", "services=" + ",".join(most), origin=FOUND)
    yield deny("services-too-many", "a list has at most 64 entries", "undecodable-caveat", "services=" + ",".join(["s:0", *most]), origin=FOUND)
    yield grant("capabilities-at-most", "a list has at most 64 entries", s, "weather_capabilities=" + ",".join(["a"] * 64), capability="a", origin=FOUND)
    yield deny("capabilities-too-many", "a list has at most 64 entries", "undecodable-caveat", s, "weather_capabilities=" + ",".join(["a"] * 65), capability="a", origin=FOUND)
    yield deny("no-equals", "a caveat is condition=value", "undecodable-caveat", s, "weather")
    yield deny("no-condition", "a caveat is condition=value", "undecodable-caveat", s, "=x")
    yield deny("not-utf8", "a caveat is UTF-8", "undecodable-caveat", s, b"weather_x=\xff")
    yield deny("unknown", "unknown conditions deny", "unknown-caveat", s, "colour=blue")
    yield deny("unknown-of-own-service", "unknown conditions of the service deny", "unknown-caveat", s, "weather_volume=1")
    yield deny("unknown-of-unnamed-service", "a service must be named to have conditions", "unknown-caveat", s, "maps_volume=1")
    yield deny("own-condition-of-a-prefix", "a condition belongs to the longest named service", "expired", "services=a:0,a_b:0", "a_b_valid_until=1", service="a_b")
    yield deny("unnamed-longer-service", "a service must be named to have conditions", "unknown-caveat", "services=a:0", "a_b_valid_until=1", service="a")
    yield deny("known-condition-without-value", "the literal rule skips only what is unknown", "undecodable-caveat", s, "weather_valid_until", unknown="skip")
    yield deny("other-preimage", "another preimage is false", "other-preimage", s, "preimage=" + "12" * 32)
    yield deny("literal-rule-still-decodes", "the literal rule skips only what is unknown", "undecodable-caveat", s, "weather_valid_until=x", unknown="skip")

    yield grant("largest-tier", "a tier has 32 bits", "services=weather:4294967295", tier=4294967295)
    yield grant("largest-end", "an end has 64 bits", s, "weather_valid_until=18446744073709551615", expires_at=2**64 - 1)
    yield grant("at-the-epoch", "time begins at zero", s, "weather_valid_until=1", now=0, expires_at=1)
    yield grant("longest-names", "names of 64 characters", f"services={'s' * 64}:0", f"{'s' * 64}_capabilities={'c' * 64}", service="s" * 64, capability="c" * 64)
    yield grant("punctuated-name", "names hold dots, dashes and underscores", "services=a.b-c_d:0", "a.b-c_d_capabilities=", service="a.b-c_d")
    yield grant("thirty-services", "a list may be long", "services=" + ",".join(f"s{n}:0" for n in range(30)) + ",weather:0")
    yield grant("order-of-conditions", "conditions have no order", "weather_capabilities=a", f"weather_valid_until={NOW + 1}", s, capability="a", expires_at=NOW + 1)
    yield grant("undecodable-of-another", "values of another named service are its own to read", "services=weather:0,maps:0", "maps_valid_until=soon")
    yield grant("preimage-twice", "the preimage may stand twice", s, "preimage=" + PREIMAGE.hex(), "preimage=" + PREIMAGE.hex())
    yield grant("no-condition-skipped", "the literal rule skips what is no caveat of ours", s, "=x", unknown="skip")
    yield grant("not-utf8-skipped", "the literal rule skips what is no caveat of ours", s, b"\xff=1", unknown="skip")
    yield grant("other-case-skipped", "a condition of other letter case is unknown", s, "Services=maps:0", unknown="skip")
    yield deny("third-party", "a third-party caveat has no place in L402", "third-party-caveat", s, data=token([s.encode(), third]))
    yield deny("third-party-not-skipped", "the literal rule skips conditions, not third parties", "third-party-caveat", s, unknown="skip", data=token([s.encode(), third]))
    yield deny("third-party-without-key", "an empty verification id makes a third party", "third-party-caveat", s, data=token([s.encode(), (b"", b"a=1", b"")]))
    yield deny("first-reason", "the first caveat that fails is the reason", "expired", f"weather_valid_until={NOW}", "services=maps:0")
    yield deny("services-other-case", "conditions compare exactly", "unknown-caveat", s, "Services=weather:0")
    yield deny("nul-in-condition", "conditions compare whole", "unknown-caveat", "services\0=weather:0")
    yield deny("non-breaking-space", "white space is space and tab", "unknown-caveat", "\u00a0services=weather:0")
    yield deny("services-with-nul", "names compare whole", "other-service", "services=weather\0:0")
    yield deny("services-missing-in-skip", "the literal rule needs services too", "no-services", "colour=blue", unknown="skip")
    yield deny("tier-above-32-bits", "a tier has 32 bits", "undecodable-caveat", "services=weather:4294967296")
    yield deny("tier-negative", "a tier is digits", "undecodable-caveat", "services=weather:-1")
    yield deny("tier-empty", "a tier is digits", "undecodable-caveat", "services=weather:")
    yield deny("tier-behind-space", "white space stands around the value, not in it", "undecodable-caveat", "services=weather: 0")
    yield deny("two-colons", "an entry is name:tier", "undecodable-caveat", "services=weather:0:1")
    yield deny("services-with-spaces", "white space stands around the value, not in it", "undecodable-caveat", "services=weather:0, maps:0")
    yield deny("service-unnamed", "a service has a name", "undecodable-caveat", "services=:0,weather:0")
    yield deny("capabilities-with-spaces", "white space stands around the value, not in it", "undecodable-caveat", s, "weather_capabilities=a, b", capability="a")
    yield deny("capabilities-trailing-comma", "no entry is empty", "undecodable-caveat", s, "weather_capabilities=a,", capability="a")
    yield deny("capability-case", "names compare exactly", "other-capability", s, "weather_capabilities=Read", capability="read")
    yield deny("capability-prefix", "names compare whole", "other-capability", s, "weather_capabilities=readonly", capability="read")
    yield deny("empty-capabilities-for-one", "an empty list permits no capability", "other-capability", s, "weather_capabilities=", capability="read")
    yield deny("end-with-fraction", "a number is digits", "undecodable-caveat", s, "weather_valid_until=1800000000.5")
    yield deny("end-of-another-script", "digits are ASCII", "undecodable-caveat", s, "weather_valid_until=\u0661\u0668\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660")
    yield deny("end-with-line-feed", "white space is space and tab", "undecodable-caveat", s, "weather_valid_until=1800000000\n")
    yield deny("end-at-2-to-64", "an end has 64 bits", "undecodable-caveat", s, "weather_valid_until=18446744073709551616")
    yield deny("largest-end-reached", "the end is exclusive, also where time ends", "expired", s, "weather_valid_until=18446744073709551615", now=2**64 - 1)
    yield deny("not-utf8-of-own", "the literal rule skips nothing that begins like a caveat of ours", "undecodable-caveat", s, b"weather_x=\xff", unknown="skip")


def syntax():
    def read(id, rule, text, condition, value):
        return case(id, rule, CAVEATS, "read", caveat=hexed(text), result={"condition": condition, "value": value})

    yield read("plain", "condition, equals sign, value", b"services=a:0", "services", "a:0")
    yield read("spaces", "spaces and tabs around both are cut off", b" \ta \t= \tb\t ", "a", "b")
    yield read("inner-space", "white space inside stays", b"a b = c d", "a b", "c d")
    yield read("empty-value", "a value may be empty", b"a=", "a", "")
    yield read("value-of-spaces", "a value of spaces is empty", b"a= ", "a", "")
    yield read("second-equals", "the first equals sign splits", b"a=b=c", "a", "b=c")
    yield read("equals-first-in-value", "the first equals sign splits", b"a==", "a", "=")
    yield read("utf8", "both are UTF-8", "\u00e9=\u4e2d".encode(), "\u00e9", "\u4e2d")
    yield read("nul", "a control character is a character", b"a\0=b\0", "a\0", "b\0")
    yield read("line-feed", "a line feed is not cut off", b"a=b\n", "a", "b\n")

    def malformed(id, rule, error, text):
        return case(id, rule, CAVEATS, "malformed", error, caveat=text.hex())

    yield malformed("no-equals", "there is an equals sign", "no-value", b"services")
    yield malformed("empty", "there is an equals sign", "no-value", b"")
    yield malformed("no-condition", "there is a condition", "no-condition", b"=a")
    yield malformed("condition-of-spaces", "there is a condition", "no-condition", b" \t=a")
    yield malformed("condition-not-utf8", "the condition is UTF-8", "not-utf8", b"\xffa=b")
    yield malformed("value-not-utf8", "the value is UTF-8", "not-utf8", b"a=\xc3\x28")
    yield malformed("overlong-utf8", "no character is written too long", "not-utf8", b"a=\xc0\xaf")
    yield malformed("surrogate", "no half of a surrogate pair", "not-utf8", b"a=\xed\xa0\x80")
    yield malformed("cut-by-the-border", "a character does not span the equals sign", "not-utf8", b"\xc3=\xa9")


def kinds():
    yield kind("caveat/syntax", "The text of one caveat: condition and value.", syntax())
    yield kind("caveat/narrowing", "Caveats of which a later one narrows, or widens, an earlier one.", narrowing())
    yield kind("caveat/satisfaction", "Caveats against an offer at a time.", satisfaction())
