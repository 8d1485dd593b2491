"""Caveats of an authentic, paid token: what they permit at a time, and how a later one must narrow an earlier one."""

from .tokens import PREIMAGE, ROOT, token
from .values import case, hexed, number, write

NOW = 1_700_000_000
CAVEATS = "L402 §Caveats"
APERTURE = "deployed: Aperture"


def offer(service="weather", tier=0, capability=None):
    return {"service": service, "tier": tier, "capability": capability}


def asked(id, rule, texts, verdict, error=None, unknown="refuse", now=NOW, origin=CAVEATS, expires_at=None, made_by="own", data=None, **sold):
    texts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    ends = {"expires_at": number(expires_at)} if verdict == "granted" else None
    return case(id, rule, origin, verdict, error, made_by, caveats=list(map(hexed, texts)), offer=offer(**sold), unknown=unknown, now=str(now),
                root_key=ROOT.hex(), macaroon=hexed(data or token(texts)), preimage=PREIMAGE.hex(), result=ends)


def grant(id, rule, *texts, **more):
    return asked(id, rule, texts, "granted", **more)


def deny(id, rule, error, *texts, **more):
    return asked(id, rule, texts, "denied", error, **more)


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


def satisfaction():
    s = "services=weather:0"
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


def syntax():
    def read(id, rule, text, condition, value):
        return case(id, rule, CAVEATS, "read", caveat=hexed(text), result={"condition": condition, "value": value})

    yield read("plain", "condition, equals sign, value", b"services=a:0", "services", "a:0")
    yield case("no-equals", "there is an equals sign", CAVEATS, "malformed", "no-value", caveat=b"services".hex())


def write_all():
    yield write("caveat/syntax", "The text of one caveat: condition and value.", syntax())
    yield write("caveat/narrowing", "Caveats of which a later one narrows, or widens, an earlier one.", narrowing())
    yield write("caveat/satisfaction", "Caveats against an offer at a time.", satisfaction())
