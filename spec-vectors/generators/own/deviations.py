"""Why other implementations judge some tokens otherwise: patterns of `implementation kind id verdict`, first match first.

A disagreement that no pattern explains stops the generator, and so does a pattern that explains none.
"""

WHY = [
    ("* macaroon/decode v1-as-v2 *", "It tells the formats apart by their first byte; here the caller does."),
    ("* macaroon/v1 v2-as-v1 *", "It tells the formats apart by their first byte; here the caller does."),
    ("* macaroon/* size-* *", "The limit of 8192 bytes is this project's."),
    ("* macaroon/* caveats-* *", "The limit of 32 caveats is this project's."),
    ("* macaroon/decode overlong-* forged", "It reads lengths that are written with more bytes than they need; here one macaroon has one encoding."),
    ("* macaroon/* trailing* authentic", "It leaves bytes behind a macaroon to its caller, who may hold a slice of them."),
    ("* macaroon/* two-macaroons *", "It leaves bytes behind a macaroon to its caller, who may hold a slice of them."),
    ("* macaroon/decode signature-twice authentic", "It leaves bytes behind a macaroon to its caller, who may hold a slice of them."),
    ("* macaroon/* signature-* forged", "It reads a signature of any length, which then matches nothing."),
    ("* macaroon/decode binary-location malformed", "Its locations are text."),
    ("* macaroon/decode first-party-with-location malformed", "It reads a location in third-party caveats only."),
    ("go-macaroon * empty-verification-id forged", "It takes an empty verification id for none."),
    ("go-macaroon * third-party-without-key forged", "It takes an empty verification id for none."),
    ("* caveat/* not-utf8* forged", "Its conditions are text, and no text satisfies these."),
    ("* macaroon/v1 cl-before-vid third-party", "It reads the packets of a caveat in any order."),
    ("* macaroon/v1 vid-without-cid forged", "It leaves a verification id without a caveat to the signature."),
    ("pymacaroons macaroon/v1 upper-case-length authentic", "It reads lengths of both cases."),
    ("pymacaroons macaroon/v1 * *", "It reads packets in any order and number, and leaves the rest to the signature."),
]
