//! Proof on the machine code that the protocol crates take the same time for every secret.
//!
//! 1. [`memcheck`]: valgrind follows undefined bytes, which the secrets are declared to be, and reports every branch and every
//!    address that depends on one.
//! 2. [`trace`]: single-stepping compares the instructions that ran, one by one, over random secrets and over each position
//!    of a wrong byte, on the binary as it is and the processor as it is.
//! 3. [`count`]: the same stepping counts the instructions of the reference work.
//!
//! Both proofs run the same [`subject`]s, and both must report the [`control`]s, which leak on purpose.

pub mod case;
pub mod catalogue;
pub mod codecs;
pub mod control;
pub mod count;
pub mod input;
pub mod memcheck;
pub mod public;
pub mod random;
pub mod request;
pub mod run;
pub mod step;
pub mod subject;
pub mod table;
pub mod tokens;
pub mod trace;
pub mod watch;

/// What goes wrong in the harness itself, as opposed to a leak.
pub type Failure = Box<dyn std::error::Error>;
