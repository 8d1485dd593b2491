"""The rules of the house: the only place where they stand. `docs/architecture.md` says them in a sentence each."""

BACKENDS = ("l402-ldk", "l402-lnd", "l402-nwc", "l402-sandbox")
# A gateway is paid by way of another one; nobody pays with it.
PAYEES = ("l402-replica",)

# The crates, lowest first, each with those that its code may name. What its tests may name is looser: the crate itself, and
# every crate further up in this table.
CRATES = {
    "l402-accel": (),
    "l402-macaroon": ("l402-accel",),
    # Everything that builds on the protocol takes macaroons from `l402_core::macaroon`.
    "l402-core": ("l402-macaroon",),
    # What is wrong with a setting, and where: programs and backends say it in the same way.
    "l402-program": (),
    "l402-lightning": ("l402-core", "l402-program"),
    **{backend: ("l402-core", "l402-program", "l402-lightning") for backend in (*BACKENDS, *PAYEES)},
    "l402-regtest": ("l402-core", "l402-lightning", "l402-program", *BACKENDS),
    "l402-ledger": ("l402-core",),
    "l402-http": ("l402-core", "l402-lightning", "l402-ledger"),
    # These two are libraries for a gateway and an agent of one's own: they name no backend.
    "l402-gateway": ("l402-core", "l402-lightning", "l402-ledger", "l402-http", "l402-program"),
    "l402-agent": ("l402-core", "l402-lightning", "l402-http", "l402-program"),
    "l402-server": (
        "l402-core", "l402-lightning", "l402-ledger", "l402-http", "l402-program", "l402-gateway", *BACKENDS, *PAYEES,
        "l402-regtest",
    ),
    "l402-client": ("l402-core", "l402-lightning", "l402-http", "l402-program", "l402-agent", *BACKENDS, "l402-regtest"),
}

# What stands in these directories may use every crate, and no crate outside of them may use it, not even in a test.
USED_BY_NOTHING = ("benches", "examples", "fuzz", "proofs")

# Workspaces of their own, beside the one at the top.
OWN_WORKSPACES = (
    "benches", "examples/edge-verify", "examples/embedded-door", "fuzz", "proofs/conformance/qemu", "proofs/conformance/wasm",
    "proofs/ct", "proofs/model", "proofs/no-panic",
)

# Two files of a crate must not name each other's items, directly or by way of others. Paths in `use` and in code count, up to
# the file that defines the item: a re-export is followed. These do not count: tests, `pub use` of what the file itself does
# not name, and a module with the modules inside it, since those are parts of it.

# Lines of a file before its first `#[cfg(test)]`.
MOST_LINES = 400

# The features that choose backends, and the one file of each program that may ask for them. Other crates have no such feature.
BACKEND_FEATURES = ("gateway", "ldk", "lnd", "nwc", "sandbox")
REGISTRATION = {
    "l402-client": "src/backends.rs",
    "l402-server": "src/backends.rs",
}
