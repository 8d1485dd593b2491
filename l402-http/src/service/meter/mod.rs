//! What is metered: the body of a response passes on as it is paid for.
//!
//! 1. Bytes and seconds are charged ahead: a slice is [drawn](Event::Draw) at the ledger, durably, before what it pays for is passed
//!    on. At the end the rest of the last slice is given back; where there is none, the ledger is not asked. A crash costs the buyer that
//!    rest, one slice at most, and the seller nothing. What has not begun to pass costs nothing. Where nothing is left for the first
//!    slice, the head does not pass either: the request is refused as one that finds no balance.
//! 2. Where the balance is used up, the body breaks off with an error, and a tunnel is closed. The error waits until what was paid for
//!    is sent, or the head at least: servers forget what they still hold of a response that breaks off.
//! 3. Tokens hold the most that they can cost, and are settled at the end by what the response [says](crate::usage). Where it says
//!    nothing, or the client has cut it, all of that is charged, or what the operator has it [estimated](TokenTariff::estimate) at. The
//!    lease is renewed meanwhile; after a crash the money is in doubt.
//! 4. Rounding is up, once for all of a request.
//! 5. A settlement that nobody waits for is asked for in the background.

mod body;
mod flow;
mod tokens;
mod tunnel;
mod unsent;

pub(crate) use body::Metered;
pub(super) use flow::Flow;
pub(super) use tokens::Tokens;
pub(super) use tunnel::watch;

use core::task::{Context, Poll};
#[cfg(doc)]
use {crate::policy::TokenTariff, l402_core::ledger::Event};

/// What a body asks before it passes on.
#[derive(Debug)]
pub(crate) enum Till {
    Flow(Flow),
    Tokens(Tokens),
}

/// Why a body breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The balance is used up.
    Balance,
    /// The ledger has not answered, or does not know the attempt any more.
    Ledger,
}

impl Till {
    /// Says how many of so many bytes may pass.
    fn pass(&mut self, bytes: usize, context: &mut Context<'_>) -> Poll<Result<usize, Cut>> {
        match self {
            Self::Flow(flow) => flow.pass(bytes, context),
            Self::Tokens(tokens) => Poll::Ready(tokens.idle(context).map(|()| bytes)),
        }
    }

    /// Takes notice of what passes.
    fn passed(&mut self, bytes: &[u8]) {
        match self {
            Self::Flow(flow) => flow.passed(bytes.len()),
            Self::Tokens(tokens) => tokens.passed(bytes),
        }
    }

    /// Takes notice that the last of the body has passed.
    const fn all_passed(&mut self) {
        match self {
            Self::Flow(_) => {}
            Self::Tokens(tokens) => tokens.all_passed(),
        }
    }

    /// Does what is to be done while nothing comes.
    fn idle(&mut self, context: &mut Context<'_>) -> Result<(), Cut> {
        match self {
            Self::Flow(flow) => flow.idle(context),
            Self::Tokens(tokens) => tokens.idle(context),
        }
    }

    /// Settles at the end, and says what is left of the balance; nothing where the ledger has not answered.
    fn settle(&mut self, context: &mut Context<'_>) -> Poll<Option<u64>> {
        match self {
            Self::Flow(flow) => flow.settle(context),
            Self::Tokens(tokens) => tokens.settle(context),
        }
    }
}
