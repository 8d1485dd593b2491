//! Tests on a network of two Lightning implementations: LND processes and LDK nodes, over real sockets, processes and payments.
//!
//! `go.mod`, beside this crate's `Cargo.toml`, says which LND. `just interop-build` builds it from the Go module proxy, once per
//! version, and `just interop` runs everything in `tests/`. Each test there is marked
//! `#[ignore = "needs LND: just interop"]`, so that `cargo test --workspace` is green on a machine without Go, and says what it
//! left out; `just interop` includes them, and they fail where there is no LND.
//!
//! A test declares the network that it needs ([`l402_regtest::Network`]), and what it starts ends with it. The folder of a test
//! that failed is kept, and standard error names it; `L402_KEEP=1` keeps all.

pub use l402_regtest::Network;
