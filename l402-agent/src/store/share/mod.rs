//! Whose a token is, and who uses it at this moment.
//!
//! 1. A token belongs to the budget that paid for it. Another budget never uses one that is counted. One that is not is used by others
//!    only where each budget between them says so. What was imported is the owner's, in the first budget.
//! 2. A token that is counted is held by a call, with a lease, from before it is presented until its answer has come whole. There are
//!    never more leases than uses left; [`l402_core::purchase::Tally`] decides.
//! 3. A lease ends by the stored clock, unless it is renewed: one whose process was killed ends by itself, and so does one of an earlier
//!    boot. Its use counts as left then. The server knows better, and says so when it is presented.
//! 4. The use and the end of its lease are written in one step.

// Threats: A9.

mod lease;
mod owner;
mod tables;

pub(super) use lease::{LEASE, Live, buys, end_all, end_buyer, is_buying, renew, switch, take};
pub(super) use owner::Owners;
pub(super) use tables::TABLES;

#[cfg(test)]
mod tests;
