//! What a line means, and whether the door opens.
//!
//! 1. `time <80 hexadecimal digits>` tells the time: 8 bytes of Unix seconds, big-endian, and their HMAC-SHA256 under a key
//!    that the master key yields for this purpose alone, so that only the seller can tell it.
//! 2. Every other line is the value of an `Authorization` field, as a web client would send it.
//! 3. The door opens where the token is authentic, paid for, names this door's service at its tier without a restriction to
//!    capabilities, and has not ended.

use crate::clock::{Clock, Monotonic};
use l402_core::macaroon::subtle::ConstantTimeEq;
use l402_core::macaroon::{MacKey, RootKey, hex};
use l402_core::macaroon::{MacaroonRef, base64};
use l402_core::{DerivedKeys, Identifier, MasterKey, Offer, Preimage, Rules, Scheme, UnknownCaveats};
use l402_core::{Unsatisfied, verify};

/// A door: what opens it, and the time.
#[derive(Debug)]
pub struct Door<M> {
    epoch: u32,
    root_keys: MacKey,
    time_key: MacKey,
    offer: Offer,
    clock: Clock<M>,
}

impl<M: Monotonic> Door<M> {
    /// Builds a door that `offer` opens: its service and tier. Its price and validity are the seller's, and not looked at.
    ///
    /// `master` is the seller's master key of `epoch`; what is derived from it stays, the key itself does not.
    pub fn new(epoch: u32, master: &MasterKey, offer: Offer, clock: Clock<M>) -> Self {
        Self { epoch, root_keys: master.derive(DerivedKeys::LABEL), time_key: master.derive(TIME_LABEL), offer, clock }
    }

    /// Takes one line and answers it; `buffer` holds the decoded tokens meanwhile, see [`TOKEN_LEN`].
    pub fn hear(&mut self, line: &[u8], buffer: &mut [u8]) -> Answer {
        match line.strip_prefix(b"time ") {
            Some(message) => self.tell_time(message),
            None => self.knock(line, buffer),
        }
    }

    #[inline(never)] // in the caller's loop it takes 540 bytes of flash more
    fn knock(&self, line: &[u8], buffer: &mut [u8]) -> Answer {
        let Some(now) = self.clock.now() else { return Answer::NoTime };
        let Some((token, preimage)) = credential(line, buffer) else { return Answer::Malformed };
        let Ok(identifier) = Identifier::parse(token.identifier()) else { return Answer::Malformed };
        if identifier.token_id().epoch() != self.epoch {
            return Answer::Forged;
        }
        let key = RootKey::derive(&self.root_keys, token.identifier());
        let Ok(verified) = verify(token, &preimage, &key) else { return Answer::Forged };
        match verified.grant(&Rules { offer: &self.offer, now: now.into(), unknown: UnknownCaveats::Refuse }) {
            Ok(_) => Answer::Open,
            Err(reason) => Answer::Unsatisfied(reason),
        }
    }

    fn tell_time(&mut self, message: &[u8]) -> Answer {
        match self.signed_time(message).map(|unix| self.clock.set(unix)) {
            Some(Ok(())) => Answer::TimeSet,
            Some(Err(_)) => Answer::EarlierTime,
            None => Answer::ForgedTime,
        }
    }

    /// The time that a message tells, if the seller signed it.
    fn signed_time(&self, message: &[u8]) -> Option<u64> {
        let mut bytes = [0; TIME_LEN];
        let (unix, tag) = hex::decode_into(message, &mut bytes).ok()?.split_first_chunk::<8>()?;
        let signed = self.time_key.mac(unix).ct_eq(tag);
        bool::from(signed).then_some(u64::from_be_bytes(*unix))
    }
}

/// Reads `L402 <token>:<preimage>`.
fn credential<'b>(line: &[u8], buffer: &'b mut [u8]) -> Option<(MacaroonRef<'b>, Preimage)> {
    let (scheme, rest) = line.split_first_chunk::<4>()?;
    Scheme::parse(scheme)?;
    let (token, preimage) = rest.strip_prefix(b" ")?.split_last_chunk::<64>()?;
    let token = base64::decode_into(token.strip_suffix(b":")?, buffer).ok()?;
    Some((MacaroonRef::parse(token).ok()?, Preimage::from_hex(preimage).ok()?))
}

/// The seller's side of rule 1: returns the 80 digits of a message that tells the time, in Unix seconds.
///
/// ```
/// use embedded_door::{Answer, Clock, Door, TOKEN_LEN, sign_time};
/// use l402_core::{MasterKey, Msat, Name, Offer};
///
/// let master = MasterKey::from_bytes([7; 32]);
/// let offer = Offer::new(Name::new("door")?, Msat::new(0));
/// let mut door = Door::new(0, &master, offer, Clock::new(|| 0, 0));
/// let line = [&b"time "[..], &sign_time(&master, 1_700_000_000)].concat();
/// assert_eq!(door.hear(&line, &mut [0; TOKEN_LEN]), Answer::TimeSet);
/// # Ok::<(), l402_core::NameError>(())
/// ```
pub fn sign_time(master: &MasterKey, unix: u64) -> [u8; 2 * TIME_LEN] {
    let mut digits = [0; 2 * TIME_LEN];
    let unix = unix.to_be_bytes();
    let (time, tag) = digits.split_at_mut(16);
    hex::encode_into(&unix, time);
    hex::encode_into(&master.derive(TIME_LABEL).mac(&unix), tag);
    digits
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The door opens.
    Open,
    /// It stays closed: the time was not told since power-on.
    NoTime,
    /// It stays closed: the line is no credential, or one that cannot be read.
    Malformed,
    /// It stays closed: the credential proves nothing.
    Forged,
    /// It stays closed: the token was paid for, and does not open this door at this time.
    Unsatisfied(Unsatisfied),
    /// The time was taken.
    TimeSet,
    /// The time was not taken: a later one has passed.
    EarlierTime,
    /// The time was not taken: the seller did not sign it.
    ForgedTime,
}

impl Answer {
    /// Whether the door opens.
    pub const fn opens(self) -> bool {
        matches!(self, Self::Open)
    }

    /// Returns one letter for a display: words take more flash than all that decides.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Open => b'o',
            Self::NoTime => b'n',
            Self::Malformed => b'm',
            Self::Forged => b'f',
            Self::Unsatisfied(Unsatisfied::Expired) => b'x',
            Self::Unsatisfied(_) => b'u',
            Self::TimeSet => b't',
            Self::EarlierTime => b'e',
            Self::ForgedTime => b'g',
        }
    }
}

/// Decoded bytes of the longest token that is read.
pub const TOKEN_LEN: usize = 320;

/// Bytes of a message that tells the time.
const TIME_LEN: usize = 8 + 32;

/// The label of the key that signs the time.
const TIME_LABEL: &str = "embedded door time v1";
