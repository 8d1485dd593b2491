//! `keys`: epochs of master keys, and minting with them.

use crate::check::{Checked, FaultName, differs, plain, right, same, wrong};
use crate::data::{KEYS_EPOCHS, KEYS_MINT, KeysEpochs, KeysMint};
use crate::room::Room;
use crate::{Report, names, run, sold};
use l402_core::macaroon::{MacaroonRef, RootKey};
use l402_core::{DerivedKeys, Identifier, MasterKey, PaymentHash, Preimage, RootKeySource, TokenText, verify};

/// Runs `keys`.
pub fn keys(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(KEYS_EPOCHS, epochs, room, report);
    run(KEYS_MINT, mint, room, report);
}

fn epochs(case: &KeysEpochs, mut room: Room<'_>) -> Checked {
    let keys = match sold::keys(case.keys)? {
        Ok(keys) => keys,
        Err(fault) => return wrong(case, "refused", FaultName("", names::epoch(fault))),
    };
    let (Some(macaroon), Some(preimage)) = (&case.macaroon, case.preimage) else { return Err(differs("macaroon")) };
    let token = MacaroonRef::parse(room.join(macaroon)?).map_err(|_| differs("macaroon"))?;
    let identifier = Identifier::parse(token.identifier()).map_err(|_| differs("macaroon"))?;
    let preimage = Preimage::from_bytes(preimage);
    match keys.root_key(&identifier) {
        Some(key) if verify(token, &preimage, &key).is_ok() => {
            let stated = RootKey::new(&right(case, "authentic")?.root_key);
            same("root_key", verify(token, &preimage, &stated).is_ok())
        }
        _ => plain(case, "forged"),
    }
}

fn mint(case: &KeysMint, _: Room<'_>) -> Checked {
    let keys = DerivedKeys::new(case.epoch, &MasterKey::from_bytes(case.master));
    let offer = match sold::offer(&case.offer) {
        Ok(offer) => offer,
        Err(fault) => return wrong(case, "refused", names::name(fault)),
    };
    let (hash, mut text) = (PaymentHash::from_bytes(case.payment_hash), TokenText::new());
    let token = keys.mint(&offer, &hash, case.random, case.now.into(), &mut text).map_err(|_| differs("token"))?;
    same("token", right(case, "minted")?.token == *token.as_bytes())
}
