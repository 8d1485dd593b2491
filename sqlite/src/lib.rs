//! A newer SQLite under the name that rusqlite 0.31 asks for: `README.md` beside this crate says why.

pub use newer::*;
