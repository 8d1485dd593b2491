//! `nostr+walletconnect://WALLET?relay=…&secret=…`: all that a client needs, in one secret text (NIP-47 §Nostr Wallet Connect URI).
//!
//! 1. The wallet is named by its public key, 64 hexadecimal digits. Whatever another key has signed is not the wallet's.
//! 2. The secret signs our requests: who has it can do with the wallet whatever the connection allows. It is wiped on drop, and
//!    nothing here shows it.
//! 3. There is at least one relay. Relays see who asks whom and when, and can withhold; they can read and forge nothing.

use crate::relay::RelayUrl;
use core::fmt;
use core::str::FromStr;
use nostr::key::{Keys, PublicKey, SecretKey};
use zeroize::Zeroizing;

/// A connection to a wallet: a parsed connection string. `Debug` shows the wallet and the relays alone.
///
/// ```
/// use l402_nwc::{NwcUri, UriError};
///
/// let wallet = "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4";
/// let secret = "71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c";
/// let uri: NwcUri = format!("nostr+walletconnect://{wallet}?relay=wss%3A%2F%2Frelay.example&secret={secret}").parse()?;
/// assert_eq!(uri.relays()[0].to_string(), "wss://relay.example");
/// assert!(!format!("{uri:?}").contains(secret));
///
/// let cut = format!("nostr+walletconnect://{wallet}?relay=wss%3A%2F%2Frelay.example&secret=71a8c1").parse::<NwcUri>();
/// assert_eq!(cut.unwrap_err(), UriError::SecretLength(6));
/// # Ok::<(), UriError>(())
/// ```
#[derive(Clone)]
pub struct NwcUri {
    wallet: PublicKey,
    relays: Vec<RelayUrl>,
    keys: Keys,
}

impl NwcUri {
    /// Returns where the wallet listens. There is at least one.
    pub fn relays(&self) -> &[RelayUrl] {
        &self.relays
    }

    /// Returns the public key of the wallet, in hexadecimal digits.
    pub fn wallet(&self) -> String {
        self.wallet.to_hex()
    }

    /// Returns the public key that belongs to the secret, in hexadecimal digits: by it, the wallet knows this connection.
    pub fn client(&self) -> String {
        self.keys.public_key().to_hex()
    }

    pub(crate) const fn wallet_key(&self) -> &PublicKey {
        &self.wallet
    }

    pub(crate) const fn keys(&self) -> &Keys {
        &self.keys
    }
}

impl FromStr for NwcUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        if !SCHEMES.contains(&&*scheme.to_ascii_lowercase()) {
            return Err(UriError::Scheme);
        }
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (wallet, query) = rest.split_once('?').ok_or(UriError::Incomplete)?;
        let wallet = wallet.trim_end_matches('/');
        if wallet.len() != KEY_DIGITS {
            return Err(UriError::Wallet);
        }
        let wallet = PublicKey::from_hex(wallet).ok().filter(|key| key.xonly().is_ok()).ok_or(UriError::Wallet)?;
        let values = |name: &'static str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(move |(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
        };
        let relays: Vec<RelayUrl> = values("relay")
            .map(|value| decoded(value).and_then(|url| url.parse().ok()).ok_or(UriError::Relay))
            .collect::<Result<_, _>>()?;
        if relays.is_empty() {
            return Err(UriError::NoRelay);
        }
        let secret = values("secret").next().ok_or(UriError::NoSecret)?;
        let keys = Keys::new(secret_key(secret)?);
        Ok(Self { wallet, relays, keys })
    }
}

impl fmt::Debug for NwcUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NwcUri").field("wallet", &self.wallet()).field("relays", &self.relays).finish_non_exhaustive()
    }
}

fn secret_key(digits: &str) -> Result<SecretKey, UriError> {
    if digits.len() != KEY_DIGITS {
        return Err(UriError::SecretLength(digits.len()));
    }
    SecretKey::from_hex(digits).map_err(|_| UriError::Secret)
}

/// Undoes percent-encoding; [`None`] where it is broken.
fn decoded(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit()?.checked_mul(16)?.checked_add(digit()?)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(Zeroizing::new)
}

/// A text is not a connection string. It never repeats the text, which holds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UriError {
    /// It does not begin with `nostr+walletconnect://`.
    Scheme,
    /// Behind the wallet there is nothing: it was cut short.
    Incomplete,
    /// The wallet's public key is not one.
    Wallet,
    /// It names no relay.
    NoRelay,
    /// A relay is not a `wss://` or `ws://` URL.
    Relay,
    /// It has no secret.
    NoSecret,
    /// The secret has so many characters instead of 64.
    SecretLength(usize),
    /// The secret is not a key.
    Secret,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("does not begin with nostr+walletconnect://"),
            Self::Incomplete => f.write_str("the connection string was cut short: it has no relay and no secret"),
            Self::Wallet => f.write_str("the wallet's public key is not one of 64 hexadecimal digits"),
            Self::NoRelay => f.write_str("the connection string names no relay"),
            Self::Relay => f.write_str("a relay of the connection string is not a wss:// or ws:// URL"),
            Self::NoSecret => f.write_str("the connection string has no secret; was it cut short?"),
            Self::SecretLength(found) if *found < KEY_DIGITS => {
                write!(f, "the connection string was cut short: its secret has {found} of {KEY_DIGITS} digits")
            }
            Self::SecretLength(found) => write!(f, "the secret has {found} digits instead of {KEY_DIGITS}"),
            Self::Secret => f.write_str("the secret is not a key of 64 hexadecimal digits"),
        }
    }
}

impl core::error::Error for UriError {}

/// The second is that of the first wallets.
const SCHEMES: [&str; 2] = ["nostr+walletconnect", "nostrwalletconnect"];
const KEY_DIGITS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const WALLET: &str = "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4";
    const SECRET: &str = "71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c";

    fn read(text: &str) -> Result<NwcUri, UriError> {
        text.parse()
    }

    #[test]
    fn a_connection_string_is_read() {
        for text in [
            format!(
                "nostr+walletconnect://{WALLET}?relay=wss%3A%2F%2Fone.example%2Fv1&relay=ws://two:7&secret={SECRET}"
            ),
            format!(
                " nostr+walletconnect:{WALLET}/?secret={SECRET}&relay=wss://one.example/v1&lud16=a@b&relay=ws%3a//two:7\n"
            ),
            format!("Nostr+WalletConnect://{WALLET}?relay=wss://one.example/v1&relay=ws://two:7&secret={SECRET}&new=1"),
        ] {
            let uri = read(&text).unwrap();
            assert_eq!(uri.wallet(), WALLET);
            let relays: Vec<String> = uri.relays().iter().map(ToString::to_string).collect();
            assert_eq!(relays, ["wss://one.example/v1", "ws://two:7"]);
            assert_eq!(uri.keys().secret_key().to_secret_hex(), SECRET);
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let relay = "relay=wss://one.example";
        for (text, expected) in [
            (String::new(), UriError::Scheme),
            (SECRET.to_owned(), UriError::Scheme),
            (format!("https://{WALLET}?{relay}&secret={SECRET}"), UriError::Scheme),
            (format!("nostr+walletconnect://{WALLET}"), UriError::Incomplete),
            (format!("nostr+walletconnect://{}?{relay}&secret={SECRET}", &WALLET[1..]), UriError::Wallet),
            (format!("nostr+walletconnect://{}?{relay}&secret={SECRET}", "f".repeat(64)), UriError::Wallet),
            (format!("nostr+walletconnect://{WALLET}?secret={SECRET}"), UriError::NoRelay),
            (format!("nostr+walletconnect://{WALLET}?relay=&secret={SECRET}"), UriError::NoRelay),
            (format!("nostr+walletconnect://{WALLET}?relay=https://a&secret={SECRET}"), UriError::Relay),
            (format!("nostr+walletconnect://{WALLET}?relay=wss%3&secret={SECRET}"), UriError::Relay),
            (format!("nostr+walletconnect://{WALLET}?{relay}"), UriError::NoSecret),
            (format!("nostr+walletconnect://{WALLET}?{relay}&secret={}", &SECRET[..63]), UriError::SecretLength(63)),
            (format!("nostr+walletconnect://{WALLET}?{relay}&secret={SECRET}00"), UriError::SecretLength(66)),
            (format!("nostr+walletconnect://{WALLET}?{relay}&secret={}", "z".repeat(64)), UriError::Secret),
            (format!("nostr+walletconnect://{WALLET}?{relay}&secret={}", "0".repeat(64)), UriError::Secret),
        ] {
            let fault = read(&text).unwrap_err();
            assert_eq!(fault, expected, "{text}");
            assert!(!format!("{fault} {fault:?}").contains(&SECRET[..8]), "{fault}");
        }
    }

    #[test]
    fn o2_debug_shows_no_secret() {
        let uri = read(&format!("nostr+walletconnect://{WALLET}?relay=wss://one.example&secret={SECRET}")).unwrap();
        let shown = format!("{uri:?} {uri:#?}");
        assert!(shown.contains(WALLET) && !shown.contains(&SECRET[..8]), "{shown}");
    }
}
