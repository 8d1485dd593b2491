"""Root keys derived from master keys with epochs, and the tokens that are minted with them."""

from .tokens import BASE, OTHER_PREIMAGE, PAYMENT_HASH, PREIMAGE, b64, derived_root, mac, token
from .values import case, number, kind

OURS = "this project: stateless root keys"
TERMS = "this project: the terms of a sale stand in the token"
ONE, TWO = bytes([1] * 32), bytes([2] * 32)
BOTH = [(2, TWO), (1, ONE)]
RANDOM = bytes(range(28))
NOW = 1_700_000_000


def held(keys):
    return [{"epoch": epoch, "master": master.hex()} for epoch, master in keys]


def epochs():
    def judged(id, rule, master, epoch, keys, verdict, order="big", derive=derived_root):
        identifier = b"\0\0" + PAYMENT_HASH + epoch.to_bytes(4, order) + bytes(28)
        root = derive(master, identifier)
        return case(id, rule, OURS, verdict, keys=held(keys), macaroon=token(BASE, root, identifier).hex(), preimage=PREIMAGE.hex(),
                    result={"root_key": root.hex()} if verdict == "authentic" else None)

    yield judged("minting-epoch", "the newest epoch verifies", TWO, 2, BOTH, "authentic")
    yield judged("retired-epoch", "a retired epoch verifies", ONE, 1, BOTH, "authentic")
    yield judged("largest-epoch", "an epoch is 32 bits, big-endian", ONE, 0xFFFFFFFF, [(0xFFFFFFFF, ONE)], "authentic")
    yield judged("unknown-epoch", "an epoch without a key verifies nothing", TWO, 3, BOTH, "forged")
    yield judged("epoch-of-another-key", "an epoch has one key", ONE, 2, BOTH, "forged")
    seven = [(n, bytes([n] * 32)) for n in range(10, 2, -1)]
    yield judged("seven-retired", "seven retired epochs verify", seven[-1][1], 3, seven, "authentic")
    yield judged("epoch-zero", "zero is an epoch", TWO, 0, [(5, ONE), (0, TWO)], "authentic")
    yield judged("older-mints", "the number of an epoch says nothing about its age", ONE, 1, [(1, ONE), (2, TWO)], "authentic")
    yield judged("little-endian", "an epoch is big-endian", ONE, 1, [(1, ONE)], "forged", order="little")
    yield judged("no-label", "a key is derived with its label", ONE, 1, [(1, ONE)], "forged", derive=mac)
    yield judged("other-label", "a key is derived with this label", ONE, 1, [(1, ONE)], "forged", derive=lambda key, text: mac(mac(key, b"l402 root key v2"), text))
    yield judged("payment-hash-only", "a key is derived from the whole identifier", ONE, 1, [(1, ONE)], "forged", derive=lambda key, text: derived_root(key, text[:34]))
    yield judged("master-is-no-root", "a master key signs nothing itself", ONE, 1, [(1, ONE)], "forged", derive=lambda key, _: key)
    wrong = judged("wrong-preimage", "the preimage proves the payment", ONE, 1, [(1, ONE)], "forged")
    yield wrong | {"preimage": OTHER_PREIMAGE.hex()}
    yield case("eight-retired", "seven retired epochs at most", "limit of this implementation", "refused", "too-many", keys=held([(n, bytes([n] * 32)) for n in range(1, 10)]))
    yield case("retired-taken", "two retired keys have two epochs", OURS, "refused", "taken", keys=held([(3, ONE), (2, TWO), (2, ONE)]))
    yield case("epoch-taken", "an epoch has one key", OURS, "refused", "taken", keys=held([(1, ONE), (1, TWO)]))


def minted_token(master, epoch, payment_hash, random, now, service, tier, capability, valid_for, price, uses=None, plan="default", metered=False):
    identifier = b"\0\0" + payment_hash + epoch.to_bytes(4, "big") + random
    caveats = [f"services={service}:{tier}", f"{service}_capabilities={capability or ''}", *([f"{service}_uses={uses}"] if uses else [])]
    caveats += [f"{service}_balance_msat={price}"] if metered else []
    caveats += [f"{service}_sale={price},{plan}", f"{service}_valid_until={min(now + valid_for, 2**64 - 1)}"]
    return token([caveat.encode() for caveat in caveats], derived_root(master, identifier), identifier)


def mint():
    def asked(service="weather", tier=0, capability=None, valid_for=3600, master=ONE, epoch=1, now=NOW, price=1000, **terms):
        return {"epoch": epoch, "master": master.hex(), "payment_hash": PAYMENT_HASH.hex(), "random": RANDOM.hex(), "now": number(now),
                "offer": {"service": service, "tier": tier, "capability": capability, "price_msat": number(price), "valid_for": number(valid_for), **terms}}

    def minted(id, rule, **offer):
        given = asked(**offer)
        data = minted_token(bytes.fromhex(given["master"]), given["epoch"], PAYMENT_HASH, RANDOM, int(given["now"]), offer.get("service", "weather"),
                            offer.get("tier", 0), offer.get("capability"), offer.get("valid_for", 3600), offer.get("price", 1000), offer.get("uses"),
                            offer.get("plan", "default"), offer.get("metered", False))
        return case(id, rule, TERMS if {"price", "uses", "plan", "metered"} & set(offer) else "deployed: Aperture", "minted", **given, result={"token": b64(data)})

    def refused(id, rule, error, **offer):
        return case(id, rule, "deployed: Aperture", "refused", error, **asked(**offer))

    yield minted("whole-service", "services, empty capabilities, price and plan, end of validity")
    yield minted("capability", "the capability that is sold", capability="read")
    yield minted("tier", "the tier that is sold", tier=4294967295)
    yield minted("longest-names", "names of 64 characters", service="s" * 64, capability="c" * 64)
    yield minted("largest-epoch", "the token id begins with the epoch, big-endian", epoch=0x01020304)
    yield minted("end-of-time", "an end does not wrap around", valid_for=2**64 - 1)
    yield minted("no-validity", "a token may end where it begins", valid_for=0)
    yield minted("punctuated-name", "dots, dashes and underscores are written as they are", service="a.b-c_d")
    yield minted("once", "the number of uses stands before the price", uses=1)
    yield minted("most-uses", "a number of uses has 32 bits", uses=2**32 - 1)
    yield minted("metered", "the price buys a balance, which stands where uses would", metered=True, price=21_000)
    yield minted("free-of-charge", "a price may be zero", price=0)
    yield minted("largest-price", "a price has 64 bits", price=2**64 - 1)
    yield minted("plan", "the plan that is sold", plan="bulk.2", uses=100)
    yield minted("longest-terms", "every part at its greatest length", service="s" * 64, capability="c" * 64, plan="p" * 64, price=2**64 - 1, uses=2**32 - 1, tier=2**32 - 1)
    yield refused("service-with-equals", "a name cannot end its condition", "name-character", service="a=b")
    yield refused("service-with-colon", "a name cannot choose its tier", "name-character", service="a:9")
    yield refused("service-with-space", "a name has no white space, which readers cut off", "name-character", service="a ")
    yield refused("service-with-line-feed", "a name has no control character", "name-character", service="a\n")
    yield refused("service-with-quote", "a name has nothing that a field value gives a meaning to", "name-character", service='a"')
    yield refused("service-of-another-script", "a name is ASCII", "name-character", service="\u00e9")
    yield refused("service-with-slash", "a path is no name", "name-character", service="a/b")
    yield refused("service-empty", "a name has a character", "name-empty", service="")
    yield refused("service-of-65", "64 characters at most", "name-too-long", service="s" * 65)
    yield refused("capability-with-comma", "a name cannot buy a second capability", "name-character", capability="a,b")
    yield refused("capability-empty", "a name has a character", "name-empty", capability="")
    yield refused("capability-of-65", "64 characters at most", "name-too-long", capability="c" * 65)
    yield refused("service-with-comma", "a name cannot buy a second service", "name-character", service="a,b")
    yield refused("plan-empty", "a plan has a name", "name-empty", plan="")
    yield refused("plan-with-comma", "a name cannot add to the terms", "name-character", plan="a,b")


def kinds():
    yield kind("keys/epochs", "Which master key verifies a token.", epochs())
    yield kind("keys/mint", "The token that a gateway mints for an offer.", mint())
