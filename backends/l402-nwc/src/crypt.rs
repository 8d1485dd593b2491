//! What is between us and the wallet, hidden from relays: NIP-44, or NIP-04 where the wallet has only that.
//!
//! Who wrote something is said by the signature of the event around it, which is verified before anything is decrypted.

use crate::uri::NwcUri;
use core::fmt;
use nostr::error::Error;
use nostr::nips::nip04::Nip04 as _;
use nostr::nips::nip44::Nip44 as _;
use zeroize::Zeroizing;

/// How requests and answers are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// NIP-44, version 2.
    Nip44,
    /// NIP-04, which older wallets have and nothing else.
    Nip04,
}

impl Encryption {
    /// Chooses from the schemes that a wallet names, separated by spaces. A wallet that names none has NIP-04 alone (NIP-47
    /// §Encryption).
    pub(crate) fn choose(named: Option<&str>) -> Option<Self> {
        let Some(named) = named else { return Some(Self::Nip04) };
        [Self::Nip44, Self::Nip04]
            .into_iter()
            .find(|scheme| named.split_ascii_whitespace().any(|name| name == scheme.name()))
    }

    /// Returns the name that the protocol has for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nip44 => "nip44_v2",
            Self::Nip04 => "nip04",
        }
    }

    /// Hides a text from all but the wallet.
    pub(crate) fn encrypt(self, uri: &NwcUri, text: &str) -> Result<String, Error> {
        match self {
            Self::Nip44 => uri.keys().nip44_encrypt(uri.wallet_key(), text),
            Self::Nip04 => uri.keys().nip04_encrypt(uri.wallet_key(), text),
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nip44 => "NIP-44",
            Self::Nip04 => "NIP-04",
        })
    }
}

/// Reads what the wallet has written, in either way: one looks like no other.
pub(crate) fn decrypt(uri: &NwcUri, content: &str) -> Result<Zeroizing<String>, Error> {
    let text = if content.contains("?iv=") {
        uri.keys().nip04_decrypt(uri.wallet_key(), content)
    } else {
        uri.keys().nip44_decrypt(uri.wallet_key(), content)
    };
    text.map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_a_wallet_has_is_chosen() {
        for (named, expected) in [
            (None, Some(Encryption::Nip04)),
            (Some("nip44_v2"), Some(Encryption::Nip44)),
            (Some("nip04 nip44_v2"), Some(Encryption::Nip44)),
            (Some("nip04"), Some(Encryption::Nip04)),
            (Some("nip99"), None),
            (Some(""), None),
        ] {
            assert_eq!(Encryption::choose(named), expected, "{named:?}");
        }
    }
}
