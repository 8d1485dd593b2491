//! A token that the user gives by hand, for one request (`--token`).
//!
//! 1. It comes from standard input or a file, never from the command line, which every user of the machine can read. What looks like a
//!    token there is refused, and not repeated.
//! 2. It goes to the origin of the URL, and along redirects within it. It is not kept, and nothing is bought beside it.

// Threats: A6.

use core::fmt;
use http::HeaderValue;
use l402_core::{CredentialLine, MAX_HEADER_LEN, Preimage, Scheme};
use l402_http::pay::TokenField;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// A token with its preimage, as it was given.
pub(crate) struct GivenToken {
    scheme: Scheme,
    token: Zeroizing<String>,
    preimage: Preimage,
}

impl GivenToken {
    /// Reads `L402 TOKEN:PREIMAGE`, as `l402 tokens attenuate` prints it. The scheme may be left out.
    ///
    /// # Errors
    /// [`GivenTokenError::Form`].
    pub(crate) fn parse(text: &str) -> Result<Self, GivenTokenError> {
        let text = text.trim();
        let (scheme, credential) = match text.split_once(' ') {
            Some((scheme, rest)) => (Scheme::parse(scheme.as_bytes()).ok_or(GivenTokenError::Form)?, rest.trim_start()),
            None => (Scheme::L402, text),
        };
        let (token, preimage) = credential.rsplit_once(':').ok_or(GivenTokenError::Form)?;
        let preimage = Preimage::from_hex(preimage.as_bytes()).map_err(|_| GivenTokenError::Form)?;
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) || text.len() > MAX_HEADER_LEN {
            return Err(GivenTokenError::Form);
        }
        Ok(Self { scheme, token: Zeroizing::new(token.to_owned()), preimage })
    }

    /// Returns the scheme.
    pub(crate) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Returns the proof of payment.
    pub(crate) const fn preimage(&self) -> &Preimage {
        &self.preimage
    }

    /// Returns the value of the header that carries it.
    pub(super) fn value(&self, field: TokenField) -> Result<HeaderValue, GivenTokenError> {
        let line = CredentialLine { scheme: self.scheme, token: &self.token, preimage: &self.preimage };
        field.line(line).ok_or(GivenTokenError::Field)
    }
}

/// Reads the token of `--token`.
///
/// # Errors
/// [`GivenTokenError`].
pub(super) fn read(source: &str) -> Result<GivenToken, GivenTokenError> {
    GivenToken::parse(&text(source)?)
}

/// Reads a file, or standard input where it is `-`, as far as a token can be long.
///
/// # Errors
/// [`GivenTokenError::NoFile`] or [`GivenTokenError::Unreadable`].
pub(crate) fn text(source: &str) -> Result<Zeroizing<String>, GivenTokenError> {
    let mut text = Zeroizing::new(String::new());
    let limit = MAX_HEADER_LEN as u64 + 1;
    let read = match source {
        "-" => io::stdin().take(limit).read_to_string(&mut text),
        path => File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text)),
    };
    match read {
        Ok(_) => Ok(text),
        Err(_) if source != "-" && !Path::new(source).exists() => Err(GivenTokenError::NoFile),
        Err(cause) => Err(GivenTokenError::Unreadable(cause)),
    }
}

/// Why there is no token.
#[derive(Debug)]
#[non_exhaustive]
pub enum GivenTokenError {
    /// There is no such file; perhaps it is a token.
    NoFile,
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is no token with its preimage.
    Form,
    /// The header that was asked for cannot carry it.
    Field,
}

impl fmt::Display for GivenTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFile => {
                "--token needs a file, or `-` for standard input, and there is no such file; a token itself must not stand on the \
                 command line, where other users can read it: `… | l402 get --token - URL`"
            }
            Self::Unreadable(_) => "cannot read the token of --token",
            Self::Form => "--token needs one token with its preimage, as `L402 TOKEN:PREIMAGE`",
            Self::Field => "cannot send the token in the `Macaroon` header: not a macaroon of format V2",
        })
    }
}

impl core::error::Error for GivenTokenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreadable(cause) => Some(cause),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, field: TokenField) -> Result<HeaderValue, GivenTokenError> {
        GivenToken::parse(text)?.value(field)
    }

    #[test]
    fn a_token_is_read_as_it_is_printed() {
        let preimage = "01".repeat(32);
        for text in ["L402 AgEE:", "l402  AgEE:", " AgEE:", "L402 AgEE:"] {
            let value = line(&format!("{text}{preimage}\n"), TokenField::Authorization).unwrap();
            assert_eq!(value, &format!("L402 AgEE:{preimage}"), "{text}");
            assert!(value.is_sensitive());
        }
        assert_eq!(
            line(&format!("LSAT AgEE:{preimage}"), TokenField::Authorization).unwrap(),
            &format!("LSAT AgEE:{preimage}")
        );
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_repeated() {
        let preimage = "01".repeat(32);
        for text in ["", "L402", "AgEE", "AgEE:00", "Bearer AgEE:", ":", "Ag EE:", "L402 Ag\u{e9}:"] {
            let text = if text.ends_with(':') { format!("{text}{preimage}") } else { text.to_owned() };
            let fault = line(&text, TokenField::Authorization).unwrap_err();
            assert!(matches!(fault, GivenTokenError::Form), "{text}");
            assert!(!fault.to_string().contains(&preimage));
        }
        let opaque = format!("AgEE:{preimage}");
        assert!(matches!(line(&opaque, TokenField::Macaroon), Err(GivenTokenError::Field)));
        let Err(fault) = read(&format!("L402 {opaque}")) else { panic!("a token on the command line") };
        assert!(matches!(fault, GivenTokenError::NoFile) && !fault.to_string().contains("AgEE"), "{fault}");
    }
}
