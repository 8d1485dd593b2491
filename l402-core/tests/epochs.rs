//! Which master key a new token is minted with.

use core::time::Duration;
use l402_core::macaroon::{MacaroonRef, base64};
use l402_core::{DerivedKeys, Identifier, MasterKey, Name, Offer, PaymentHash, TokenText, mint_token};

#[test]
fn a_new_token_names_the_epoch_that_mints() {
    let [newest, retired] = [2, 0].map(|byte| MasterKey::from_bytes([byte; 32]));
    let keys = DerivedKeys::new(2, &newest).with_retired(0, &retired).expect("another epoch");
    let service = Name::new("weather").expect("a name");
    let offer = Offer::new(service, 1.into()).valid_for(Duration::from_secs(60));
    let (mut text, mut bytes) = (TokenText::new(), [0; 512]);
    let hash = PaymentHash::from_bytes([7; 32]);
    let token = mint_token(&keys, &offer, &hash, [9; 28], 1_700_000_000.into(), &mut text).expect("a token");
    let token = MacaroonRef::parse(base64::decode_into(token.as_bytes(), &mut bytes).expect("base64")).expect("whole");
    let identifier = Identifier::parse(token.identifier()).expect("an identifier");
    assert_eq!((identifier.token_id().epoch(), identifier.payment_hash()), (2, hash));
}
