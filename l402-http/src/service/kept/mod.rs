//! Kept answers: what was paid for and got lost on its way is given again.
//!
//! A route that [keeps answers](crate::policy::Sale::keep_answer) keeps each whole 2xx for some time. A request that comes again gets it,
//! and takes no use: one with the same `Idempotency-Key`, and one that is the same in everything once the token is spent.
//!
//! 1. Kept is a whole 2xx of a counted token, but no 206, none without a known end, none with trailers, and none that is longer than the
//!    store's bound. `Cache-Control: no-store` on either side, `Vary: *`, HEAD and upgrades keep nothing. `Set-Cookie` is left out.
//! 2. It is given again [`GIVEN`] times, to the exact credential, where `Accept`, `Accept-Encoding` and what its `Vary` names
//!    are the same (RFC 9111 §4.1). Everything that stands before a use stands before it too: the verdict, settlement, and a ledger that
//!    answers.
//! 3. An `Idempotency-Key` whose answer is kept takes no other use. Where the answer cannot be given, that is a 409.
//! 4. A request for an answer that is still on its way waits for it, for ten seconds at most; then 409 with `Retry-After`.
//! 5. The client is not slowed down, and a store that is slow or full costs nobody anything: what it does not take is not kept.
//! 6. When the client goes away, the rest of the body is read all the same, within bounds.
//! 7. The store sees sealed bytes alone, under names that tell nothing.
//! 8. Such an answer says `X-L402: kept`, and its `Age`. One range of a GET is served from it.

mod answer;
mod claim;
mod keep;
mod keeping;
mod name;
mod parcel;
mod range;
mod room;
mod rules;
mod seal;
mod shelf;
mod store;
mod tee;

pub use name::AnswerName;
pub use parcel::{Parcel, Sealed};
pub use shelf::Answers;
pub use store::{AnswerStore, GIVEN};

pub(super) use keep::Keep;
pub(super) use keeping::{Found, Keeping};
pub(super) use seal::Presented;
pub(super) use tee::Tee;
