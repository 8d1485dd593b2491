"""Root keys derived from master keys with epochs, and the tokens that are minted with them."""

from .tokens import BASE, PAYMENT_HASH, PREIMAGE, b64, derived_root, token
from .values import case, number, write

OURS = "this project: stateless root keys"
ONE, TWO = bytes([1] * 32), bytes([2] * 32)
BOTH = [(2, TWO), (1, ONE)]
RANDOM = bytes(range(28))
NOW = 1_700_000_000


def held(keys):
    return [{"epoch": epoch, "master": master.hex()} for epoch, master in keys]


def epochs():
    def judged(id, rule, master, epoch, keys, verdict):
        identifier = b"\0\0" + PAYMENT_HASH + epoch.to_bytes(4, "big") + bytes(28)
        root = derived_root(master, identifier)
        return case(id, rule, OURS, verdict, keys=held(keys), macaroon=token(BASE, root, identifier).hex(), preimage=PREIMAGE.hex(),
                    result={"root_key": root.hex()} if verdict == "authentic" else None)

    yield judged("minting-epoch", "the newest epoch verifies", TWO, 2, BOTH, "authentic")
    yield judged("retired-epoch", "a retired epoch verifies", ONE, 1, BOTH, "authentic")
    yield judged("largest-epoch", "an epoch is 32 bits, big-endian", ONE, 0xFFFFFFFF, [(0xFFFFFFFF, ONE)], "authentic")
    yield judged("unknown-epoch", "an epoch without a key verifies nothing", TWO, 3, BOTH, "forged")
    yield judged("epoch-of-another-key", "an epoch has one key", ONE, 2, BOTH, "forged")
    yield case("epoch-taken", "an epoch has one key", OURS, "refused", "taken", keys=held([(1, ONE), (1, TWO)]))


def minted_token(master, epoch, payment_hash, random, now, service, tier, capability, valid_for):
    identifier = b"\0\0" + payment_hash + epoch.to_bytes(4, "big") + random
    caveats = [f"services={service}:{tier}", f"{service}_capabilities={capability or ''}", f"{service}_valid_until={min(now + valid_for, 2**64 - 1)}"]
    return token([caveat.encode() for caveat in caveats], derived_root(master, identifier), identifier)


def mint():
    def asked(service="weather", tier=0, capability=None, valid_for=3600, master=ONE, epoch=1, now=NOW):
        return {"epoch": epoch, "master": master.hex(), "payment_hash": PAYMENT_HASH.hex(), "random": RANDOM.hex(), "now": number(now),
                "offer": {"service": service, "tier": tier, "capability": capability, "valid_for": number(valid_for)}}

    def minted(id, rule, **offer):
        given = asked(**offer)
        data = minted_token(bytes.fromhex(given["master"]), given["epoch"], PAYMENT_HASH, RANDOM, int(given["now"]), offer.get("service", "weather"),
                            offer.get("tier", 0), offer.get("capability"), offer.get("valid_for", 3600))
        return case(id, rule, "deployed: Aperture", "minted", **given, result={"token": b64(data)})

    def refused(id, rule, error, **offer):
        return case(id, rule, "deployed: Aperture", "refused", error, **asked(**offer))

    yield minted("whole-service", "services, empty capabilities, end of validity")
    yield refused("service-with-comma", "a name cannot buy a second service", "name-character", service="a:0,b")


def write_all():
    yield write("keys/epochs", "Which master key verifies a token.", epochs())
    yield write("keys/mint", "The token that a gateway mints for an offer.", mint())
