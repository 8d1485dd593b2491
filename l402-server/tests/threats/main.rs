//! What the gateway must withstand, proven from outside: a gateway from a TOML file, real sockets, an upstream that keeps
//! every byte, a client that writes its own. The Lightning node is a fake that can be told to fail and to lie.
//!
//! | row | module |
//! |---|---|
//! | every status of a credential, and its reason | [`statuses`] |
//! | T1, L4: no secret leaves | [`secrets`] |
//! | T2, T3: what a token opens | [`scope`] |
//! | T4: no input ends the gateway | [`garbage`] |
//! | H1: one credential for each request | [`ambiguity`] |
//! | H2, P2, P7: what the upstream is told, and what comes back | [`fields`] |
//! | H3, L2: challenges | [`challenges`] |
//! | L3, and 503 where the node fails | [`node`] |
//! | P3: one path | [`paths`] |
//! | P6: clients that take nothing | [`pinned`] |
//! | P8: tunnels and streams end with their token | [`tunnels`] |
//! | the same for gRPC, over HTTP/2 | [`grpc`] |
//!
//! Elsewhere: what needs a clock or a price that changes (an expiry that passes, `l5_…`) in `l402-http/tests/paid`, framing
//! and tunnels (`p1_…`) in `l402-http/tests/proxy`, deadlines (`p4_…`)
//! and pages of other origins (`p9_…`) in `tests/serve`, the latter with a real browser in `tests/browser`.

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

mod ambiguity;
mod challenges;
mod fields;
mod garbage;
mod grpc;
mod node;
mod paths;
mod pinned;
mod scope;
mod secrets;
mod stand;
mod statuses;
mod tunnels;
