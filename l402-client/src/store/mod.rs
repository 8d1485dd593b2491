//! What is kept between calls: the tokens that were bought and the payments that were begun, all of it private.

mod codec;
pub mod file;
pub mod payments;
pub mod private;
pub mod tokens;
