//! Calls about the key file: its epochs, and a new one. No key is ever told.

use l402_lightning::unix_now;
use l402_program::Causes;
use serde_json::{Value, json};

use super::books::Books;
use super::wire::{KeysCall, Reply};
use crate::keys::{self, Epoch, Standing};

/// Answers a call.
pub(super) fn answer(books: &Books, call: KeysCall) -> Reply {
    let now = unix_now().get();
    let epochs = match call {
        KeysCall::List => keys::epochs(&books.key_dir, now),
        KeysCall::Rotate => keys::rotate(&books.key_dir, books.longest_sale, now),
    };
    match epochs {
        Ok(epochs) => Reply::Facts(epochs.iter().map(shown).collect()),
        Err(fault) => Reply::Refused(Causes(&fault).to_string()),
    }
}

fn shown(Epoch { epoch, standing }: &Epoch) -> Value {
    match standing {
        Standing::Next { mints_at } => json!({ "epoch": epoch, "state": "next", "mints_at_unix": mints_at }),
        Standing::Mints { since } => json!({ "epoch": epoch, "state": "mints", "since_unix": since }),
        Standing::Retired { until } => json!({ "epoch": epoch, "state": "retired", "until_unix": until }),
    }
}
