//! The configuration as an operator meets it: what is read, and what each mistake is answered with.

mod docs;
mod form;
mod meters;
mod mistakes;
mod read;
mod secrets;
mod stand;
