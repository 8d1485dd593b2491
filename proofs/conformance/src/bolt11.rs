//! `bolt11`: what an invoice says, held against its token and the client's limits.
//!
//! The invoices themselves are decoded by a test of `l402-lightning`, which has the decoder.

use crate::check::{Checked, FaultName, differs, right, same, wrong};
use crate::data::{BOLT11_BINDING, Bolt11Binding};
use crate::room::Room;
use crate::{Report, names, run, sold};
use l402_core::macaroon::base64;
use l402_core::{Exchange, TokenFacts};

/// Runs `bolt11`.
pub fn bolt11(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(BOLT11_BINDING, binding, room, report);
}

fn binding(case: &Bolt11Binding, mut room: Room<'_>) -> Checked {
    let Bolt11Binding { invoice: (), .. } = case;
    same("facts.network", case.facts.network.is_some())?;
    let token = room.join(&case.macaroon)?;
    let text = room.take(base64::encoded_len(token.len()))?;
    let text = base64::encode_into(token, text).ok_or(differs("macaroon"))?;
    let token = TokenFacts::read(text.as_bytes(), room.take(token.len())?);
    let exchange = Exchange::new(sold::limits(&case.limits));
    match exchange.authorize_token(&token, &sold::facts(&case.facts), case.now.into()) {
        Err(fault) => wrong(case, "declined", FaultName("", names::declined(fault))),
        Ok(found) => {
            let stated = right(case, "pay")?;
            same("payment_hash", stated.payment_hash == *found.payment_hash.as_bytes())?;
            same("amount_msat", stated.amount_msat == found.amount_msat.get())?;
            same("max_fee_msat", stated.max_fee_msat == found.max_fee_msat.get())
        }
    }
}
