//! Prints credentials, one a line: tokens for preimages that count up, as a gateway with this root key sells them. For benches of a
//! gateway that takes a preimage as proof enough.
//!
//! ```text
//! cargo run --example mint EPOCH KEY SERVICE CAPABILITY PRICE_MSAT USES FIRST COUNT
//! ```

use core::error::Error;
use l402_core::macaroon::hex;
use l402_core::{CredentialLine, DerivedKeys, MasterKey, Name, Offer, Preimage, Scheme, TokenText, Uses};
use std::io::{BufWriter, Write, stdout};
use std::time::SystemTime;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [epoch, key, service, capability, price_msat, uses, first, count] = &arguments[..] else {
        return Err("EPOCH KEY SERVICE CAPABILITY PRICE_MSAT USES FIRST COUNT".into());
    };
    let keys = DerivedKeys::new(epoch.parse()?, &master(key)?);
    let offer = Offer::new(Name::new(service)?, price_msat.parse::<u64>()?.into());
    let offer = offer.capability(Some(Name::new(capability)?)).uses(uses.parse::<Uses>()?);
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs().into();
    let (first, count): (u64, u64) = (first.parse()?, count.parse()?);
    let mut lines = BufWriter::new(stdout().lock());
    for number in first..first + count {
        let (mut bytes, mut random) = ([0; 32], [0; 28]);
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        random[..8].copy_from_slice(&number.to_be_bytes());
        let (preimage, mut text) = (Preimage::from_bytes(bytes), TokenText::new());
        let token = keys.mint(&offer, &preimage.hash(), random, now, &mut text)?;
        writeln!(lines, "{}", CredentialLine { scheme: Scheme::L402, token, preimage: &preimage })?;
    }
    Ok(lines.flush()?)
}

fn master(text: &str) -> Result<MasterKey, Box<dyn Error>> {
    let mut bytes = [0; 32];
    let written = hex::decode_into(text.as_bytes(), &mut bytes).map_err(|_| "the key is not hexadecimal")?;
    if written.len() == 32 { Ok(MasterKey::from_bytes(bytes)) } else { Err("the key has not 64 digits".into()) }
}
