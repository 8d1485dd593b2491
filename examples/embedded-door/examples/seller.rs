//! The seller's side, and the wallet's: writes the lines that a phone carries to the door.
//!
//! `seller <key file> <now> <seconds of validity> [service]` prints a signed time and a credential. A seller gets the payment
//! hash from its Lightning node, and the buyer learns the preimage by paying; here both come from the system's clock.

use core::time::Duration;
use embedded_door::sign_time;
use l402_core::macaroon::hex;
use l402_core::{CredentialLine, DerivedKeys, MasterKey, Msat, Name, Offer, Preimage, Scheme, TokenText};
use std::env::args;
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> Result<(), Box<dyn Error>> {
    let [key, now, valid_for] = [1, 2, 3].map(|at| args().nth(at).ok_or("seller <key file> <now> <seconds> [service]"));
    let master = master_key(&std::fs::read_to_string(key?)?)?;
    let now: u64 = now?.parse()?;
    let service = Name::new(&args().nth(4).unwrap_or_else(|| "door".into()))?;
    let offer = Offer::new(service, Msat::new(50_000)).valid_for(Duration::from_secs(valid_for?.parse()?));

    let preimage = unique();
    let mut random = [0; 28];
    random.copy_from_slice(&preimage.hash().as_bytes()[..28]);
    let mut text = TokenText::new();
    let token = DerivedKeys::new(0, &master).mint(&offer, &preimage.hash(), random, now.into(), &mut text)?;

    println!("time {}", core::str::from_utf8(&sign_time(&master, now))?);
    println!("{}", CredentialLine { scheme: Scheme::L402, token, preimage: &preimage });
    Ok(())
}

fn master_key(text: &str) -> Result<MasterKey, Box<dyn Error>> {
    let mut key = [0; 32];
    hex::decode_into(text.trim().as_bytes(), &mut key).ok().filter(|key| key.len() == 32).ok_or("not 64 digits")?;
    Ok(MasterKey::from_bytes(key))
}

/// A preimage that differs from call to call, which is all that an example needs of it.
fn unique() -> Preimage {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&nanos.to_le_bytes());
    Preimage::from_bytes(seed)
}
