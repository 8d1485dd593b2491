//! A request of the host, read from its bytes.

use l402_core::macaroon::MAX_LEN;
use l402_core::{
    Charge, ChargeReason, CredentialHeaders, Decision, DerivedKeys, MasterKey, Msat, Name, Offer, Refusal, Rules,
    UnixSeconds, UnknownCaveats,
};

/// Everything that a decision depends on.
pub(crate) struct Request<'a> {
    keys: DerivedKeys,
    offer: Offer,
    now: u64,
    fields: CredentialHeaders<'a>,
}

impl<'a> Request<'a> {
    /// Reads all bytes of a request; [`None`] where they do not follow the format, or a name or key cannot be.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let keys = bytes.keys()?;
        let service = Name::new(bytes.text()?).ok()?;
        let tier = u32::from_le_bytes(bytes.array()?);
        let capability = Some(bytes.text()?).filter(|name| !name.is_empty());
        let capability = capability.map(Name::new).transpose().ok()?;
        let offer = Offer::new(service, Msat::new(0)).tier(tier).capability(capability);
        let now = u64::from_le_bytes(bytes.array()?);
        let mut fields = CredentialHeaders::new();
        while !bytes.0.is_empty() {
            fields.add(bytes.text()?, bytes.value()?);
        }
        Some(Self { keys, offer, now, fields })
    }

    /// Decides as [`l402_core::Gate`] does by default, where no ledger counts uses: without the code for one.
    pub(crate) fn decide(self) -> Decision {
        let charge = |status, reason| Decision::Charge(Charge { status, reason });
        let mut buffer = [0; MAX_LEN];
        let credential = match self.fields.decode(&mut buffer) {
            Ok(Some(credential)) => credential,
            Ok(None) => return charge(402, ChargeReason::PaymentRequired),
            Err(fault) => return Decision::Refuse(Refusal { status: 400, fault }),
        };
        let Ok(verified) = credential.verify(&self.keys) else { return charge(401, ChargeReason::Forged) };
        let (offer, now) = (&self.offer, UnixSeconds::new(self.now));
        match verified.grant(&Rules { offer, now, unknown: UnknownCaveats::Refuse }) {
            Ok(grant) => Decision::Admit(grant),
            Err(reason) => charge(402, ChargeReason::Unsatisfied(reason)),
        }
    }
}

/// What is left to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn keys(&mut self) -> Option<DerivedKeys> {
        let [count] = self.array()?;
        let retired = count.checked_sub(1)?;
        let (epoch, newest) = self.key()?;
        let mut keys = DerivedKeys::new(epoch, &newest);
        for _ in 0..retired {
            let (epoch, master) = self.key()?;
            keys = keys.with_retired(epoch, &master).ok()?;
        }
        Some(keys)
    }

    fn key(&mut self) -> Option<(u32, MasterKey)> {
        Some((u32::from_le_bytes(self.array()?), MasterKey::from_bytes(self.array()?)))
    }

    fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.value()?).ok()
    }

    fn value(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_le_bytes(self.array()?);
        let (value, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        Some(value)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}
