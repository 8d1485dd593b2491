//! Who is asked before a payment that needs a confirmation.
//!
//! 1. The owner answers: by a [`Hook`], a command that whoever holds the wallet runs, or by `l402 policy approve ID`, which needs the
//!    store. Anybody else, such as a person at the terminal of an agent, counts only where the policy says so
//!    ([`Guards::agent_may_confirm`](crate::store::breaker::Guards::agent_may_confirm)); their no always counts.
//! 2. Any of them may answer. The first answer counts, and no answer is no.
//! 3. What is asked is a [`Question`]: one invoice, of one origin, for one call. It goes to a command as JSON on its standard input. No
//!    word of a server reaches a shell, an argument or the environment.
//!
//! Nothing is reserved or locked while somebody thinks. Afterwards all limits are checked again.

mod hook;

pub use hook::Hook;

use crate::store::breaker::{Answer, Question};
use core::fmt;
use core::pin::Pin;

/// Somebody who may be asked. The default answer is none, which is no.
///
/// ```
/// use core::future::ready;
/// use l402_agent::confirm::{Asking, Confirmer};
/// use l402_agent::store::breaker::{Answer, Question};
/// use l402_core::Msat;
///
/// /// Says yes to what costs next to nothing.
/// #[derive(Debug)]
/// struct Trifles;
///
/// impl Confirmer for Trifles {
///     fn is_owner(&self) -> bool {
///         true
///     }
///
///     fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
///         Box::pin(ready((question.amount_msat < Msat::from_sat(10)).then_some(Answer::Yes)))
///     }
/// }
/// ```
pub trait Confirmer: Send + Sync + fmt::Debug {
    /// Tells whether it speaks for the owner of the money, whatever an agent does.
    fn is_owner(&self) -> bool {
        false
    }

    /// Asks. [`None`] leaves the answer to others. It is dropped when somebody has answered, or when it is too late.
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a>;
}

/// Waits for what somebody says.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>>;
