//! A settlement as it stands in a shared store: a version, what arrived and when, and a seal over these and the payment hash.

use core::fmt;
use l402_core::{Msat, PaymentHash, Seal, SealError, Sealer, UnixSeconds};
use l402_lightning::Settlement;

/// Writes a record.
pub(super) fn write(settlement: &Settlement, sealer: &impl Sealer) -> [u8; LEN] {
    let mut record = [0; LEN];
    let (facts, seal) = record.split_at_mut(FACTS);
    facts[0] = VERSION;
    facts[1..9].copy_from_slice(&settlement.received_msat.get().to_be_bytes());
    facts[9..].copy_from_slice(&settlement.settled_at.get().to_be_bytes());
    seal.copy_from_slice(&sealer.seal(&text(&settlement.payment_hash, facts)).to_bytes());
    record
}

/// Reads the record of a payment, if a gateway with our keys has written it for that payment.
pub(super) fn read(payment_hash: PaymentHash, record: &[u8], sealer: &impl Sealer) -> Result<Settlement, Damaged> {
    let (facts, seal) = record.split_first_chunk::<FACTS>().ok_or(Damaged::Form)?;
    let [VERSION, numbers @ ..] = facts else { return Err(Damaged::Form) };
    let seal = Seal::from_bytes(seal.try_into().map_err(|_| Damaged::Form)?);
    sealer.verify(&text(&payment_hash, facts), &seal).map_err(Damaged::Seal)?;
    let [received_msat, settled_at] = numbers.as_chunks().0 else { return Err(Damaged::Form) };
    Ok(Settlement {
        payment_hash,
        received_msat: Msat::new(u64::from_be_bytes(*received_msat)),
        settled_at: UnixSeconds::new(u64::from_be_bytes(*settled_at)),
    })
}

fn text(payment_hash: &PaymentHash, facts: &[u8]) -> Vec<u8> {
    [payment_hash.as_bytes(), facts].concat()
}

/// A record must not be believed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Damaged {
    Form,
    Seal(SealError),
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the record of a payment in the ledger is damaged, or a gateway with another key file has written it",
        )
    }
}

impl core::error::Error for Damaged {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Form => None,
            Self::Seal(cause) => Some(cause),
        }
    }
}

const VERSION: u8 = 1;
const FACTS: usize = 1 + 8 + 8;
const LEN: usize = FACTS + Seal::LEN;

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::{MasterKey, SealKeys};

    #[test]
    fn l5_a_record_is_believed_only_as_it_was_written() {
        let keys = SealKeys::new("test v1", 0, &MasterKey::from_bytes([1; 32]));
        let settlement = Settlement {
            payment_hash: PaymentHash::from_bytes([7; 32]),
            received_msat: Msat::new(21_000),
            settled_at: UnixSeconds::new(1_800_000_000),
        };
        let record = write(&settlement, &keys);
        assert_eq!(read(settlement.payment_hash, &record, &keys), Ok(settlement));

        let other = PaymentHash::from_bytes([8; 32]);
        assert_eq!(read(other, &record, &keys), Err(Damaged::Seal(SealError::Mismatch)), "of another payment");
        let strangers = SealKeys::new("test v1", 0, &MasterKey::from_bytes([2; 32]));
        assert!(read(settlement.payment_hash, &record, &strangers).is_err(), "another key");
        for at in 0..LEN {
            let mut changed = record;
            changed[at] ^= 1;
            assert!(read(settlement.payment_hash, &changed, &keys).is_err(), "byte {at}");
            assert!(read(settlement.payment_hash, &record[..at], &keys).is_err(), "cut at {at}");
        }
        assert!(read(settlement.payment_hash, &[&record[..], &[0]].concat(), &keys).is_err(), "longer");
    }
}
