//! The lexer of `WWW-Authenticate` header value: challenges and their parameters (RFC 9110 §11.3, §11.6.1).
//!
//! 1. A header value is a comma-separated list of challenges, and each challenge a scheme with a comma-separated list of
//!    parameters: after a comma, `name =` continues a challenge and `name` followed by anything else begins one.
//! 2. White space around `=` and `,` and empty list elements are skipped; parameter names ignore letter case.
//! 3. At most [`MAX_PARAMS`] parameters are read in a challenge of ours.
//! 4. A value is a token or a quoted string, without control characters but tabs. Values are borrowed: escapes stay in place until somebody asks.
//!
//! # Deviation
//! An unquoted value may hold any visible character but `"` and `,`: deployed servers send base64 with its `/` and `=`
//! unquoted. Behind a quoted value, white space alone separates where `name =` follows: deployed servers leave the comma out.

use crate::scheme::Scheme;
use core::fmt;

/// One challenge of any scheme, unread: its scheme and where its parameters start.
#[derive(Debug)]
pub(crate) struct RawChallenge<'a> {
    pub(crate) scheme: &'a [u8],
    pub(crate) params: Params<'a>,
}

/// Splits a header value into challenges. After an error there is nothing more; one in another scheme's challenge is not ours to
/// report.
#[derive(Debug, Clone)]
pub(crate) struct RawChallenges<'a>(&'a [u8]);

impl<'a> RawChallenges<'a> {
    pub(crate) fn new(field: &'a [u8]) -> Self {
        Self(field)
    }
}

impl<'a> Iterator for RawChallenges<'a> {
    type Item = Result<RawChallenge<'a>, LexError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = skip(self.0, is_separator);
        if start.is_empty() {
            return None;
        }
        let item = challenge(start);
        self.0 = item.as_ref().map_or(&[], |(_, rest)| rest);
        match item {
            Ok((challenge, _)) => Some(Ok(challenge)),
            Err(fault) if fault != LexError::Scheme && Scheme::parse(token(start).0).is_none() => None,
            Err(fault) => Some(Err(fault)),
        }
    }
}

/// The parameters of one challenge, in order. They have been walked over once, so that reading them cannot fail.
#[derive(Debug, Clone)]
pub(crate) struct Params<'a>(&'a [u8]);

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (param, rest) = param(skip(self.0, is_separator)).ok()?;
        self.0 = rest;
        param
    }
}

/// The value of a parameter, borrowed from the header.
///
/// ```
/// # use l402_core::Challenge;
/// let field = br#"L402 token="dG9r\ZW4=", invoice=lnbc1"#;
/// let challenge = Challenge::parse_all(field).next().unwrap()?;
/// let mut buffer = [0; 16];
/// assert_eq!(challenge.token().unescape(&mut buffer), Some(&b"dG9rZW4="[..]));
/// assert_eq!(challenge.invoice().as_str(), Some("lnbc1"));
/// # Ok::<(), l402_core::ChallengeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct ParamValue<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> ParamValue<'a> {
    /// Returns the value where it needs no unescaping and is UTF-8, which is the usual case.
    pub fn as_str(&self) -> Option<&'a str> {
        if self.escaped { None } else { core::str::from_utf8(self.raw).ok() }
    }

    /// Returns the bytes of the value, without the quotes and with `\` escapes undone.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + 'a {
        let mut raw = self.raw.iter().copied();
        let escaped = self.escaped;
        core::iter::from_fn(move || match raw.next()? {
            b'\\' if escaped => raw.next(),
            byte => Some(byte),
        })
    }

    /// Writes the unescaped value into the front of `buffer`, which never needs more bytes than the header has; [`None`] if it
    /// does not fit.
    ///
    /// ```
    /// # use l402_core::Challenge;
    /// let challenge = Challenge::parse_all(br#"L402 token="Ag\EE", invoice="lnbc1""#).next().unwrap()?;
    /// assert_eq!(challenge.token().unescape(&mut [0; 4]), Some(&b"AgEE"[..]));
    /// assert_eq!(challenge.token().unescape(&mut [0; 3]), None);
    /// # Ok::<(), l402_core::ChallengeError>(())
    /// ```
    pub fn unescape<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut length = 0;
        for byte in self.bytes() {
            *buffer.get_mut(length)? = byte;
            length += 1;
        }
        buffer.get(..length)
    }

    /// Returns the value without blanks at its ends, and without `lightning:` in any case and the blanks behind it.
    pub(crate) fn without_uri_scheme(self) -> Self {
        let trimmed = self.trimmed();
        let mut rest = trimmed;
        let is_there = URI_SCHEME.iter().all(|c| rest.pop_front().is_some_and(|d| d.eq_ignore_ascii_case(c)));
        if is_there { rest.trimmed() } else { trimmed }
    }

    fn trimmed(self) -> Self {
        let mut start = self;
        let mut rest = self;
        while rest.pop_front().is_some_and(is_space) {
            start = rest;
        }
        let (mut rest, mut behind) = (start, start.raw.len());
        while let Some(c) = rest.pop_front() {
            if !is_space(c) {
                behind = rest.raw.len();
            }
        }
        let length = start.raw.len().saturating_sub(behind);
        Self { raw: start.raw.get(..length).unwrap_or_default(), ..self }
    }

    /// Takes the first character off, unescaped.
    fn pop_front(&mut self) -> Option<u8> {
        let (mut first, mut rest) = self.raw.split_first()?;
        if self.escaped && *first == b'\\' {
            (first, rest) = rest.split_first()?;
        }
        self.raw = rest;
        Some(*first)
    }

    /// Tells whether two values are the same once unescaped.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl fmt::Debug for ParamValue<'_> {
    /// Shows the length only: a value may be a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParamValue({} bytes)", self.raw.len())
    }
}

/// Where a header value stops being a list of challenges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LexError {
    /// Something stands where a scheme should.
    Scheme,
    /// Something stands where a parameter's value should, or behind it.
    Value,
    /// A quoted string does not end.
    Quote,
    /// A control character stands in a value, or behind it.
    Control,
    /// More than [`MAX_PARAMS`] parameters.
    Params,
}

/// What was read, and the header behind it.
type Lexed<'a, T> = Result<(T, &'a [u8]), LexError>;

/// A parameter's name and value.
type Param<'a> = (&'a [u8], ParamValue<'a>);

fn challenge(input: &[u8]) -> Lexed<'_, RawChallenge<'_>> {
    let (scheme, after) = token(input);
    if scheme.is_empty() || !after.first().is_none_or(|&c| is_space(c) || c == b',') {
        return Err(LexError::Scheme);
    }
    let start = skip(after, is_space);
    let ours = Scheme::parse(scheme).is_some();
    let mut rest = if ours { start } else { skip_token68(start) };
    let params = Params(rest);
    let mut count = 0;
    while let (Some(_), after) = param(skip(rest, is_separator))? {
        rest = after;
        count += 1;
        if ours && count > MAX_PARAMS {
            return Err(LexError::Params);
        }
    }
    Ok((RawChallenge { scheme, params }, rest))
}

/// Skips the `token68` that other schemes put instead of parameters, such as `Negotiate oYGV==`.
fn skip_token68(input: &[u8]) -> &[u8] {
    let (body, after) = span(input, |c| c.is_ascii_alphanumeric() || b"-._~+/".contains(&c));
    let after = skip(after, |c| c == b'=');
    let ends = skip(after, is_space).first().is_none_or(|&c| c == b',');
    if !body.is_empty() && ends { after } else { input }
}

/// One parameter, or [`None`] where the list ends or another challenge begins.
fn param(input: &[u8]) -> Lexed<'_, Option<Param<'_>>> {
    let (name, after) = token(input);
    let Some((b'=', after)) = skip(after, is_space).split_first() else {
        return Ok((None, input));
    };
    if name.is_empty() {
        return Err(LexError::Value);
    }
    let start = skip(after, is_space);
    let (value, after) = value(start)?;
    let next = skip(after, is_space);
    match next.first() {
        None | Some(b',') => Ok((Some((name, value)), after)),
        Some(_) if start.first() == Some(&b'"') && next.len() < after.len() && names_param(next) => {
            Ok((Some((name, value)), after))
        }
        Some(c) if c.is_ascii_control() => Err(LexError::Control),
        Some(_) => Err(LexError::Value),
    }
}

/// Whether a parameter begins here.
fn names_param(input: &[u8]) -> bool {
    let (name, after) = token(input);
    !name.is_empty() && skip(after, is_space).first() == Some(&b'=')
}

fn value(input: &[u8]) -> Lexed<'_, ParamValue<'_>> {
    if let Some((b'"', quoted)) = input.split_first() {
        return quoted_string(quoted);
    }
    let (raw, rest) = span(input, |c| c.is_ascii_graphic() && c != b'"' && c != b',');
    if raw.is_empty() {
        return Err(LexError::Value);
    }
    Ok((ParamValue { raw, escaped: false }, rest))
}

/// A quoted string whose opening quote has been read (RFC 9110 §5.6.4).
fn quoted_string(input: &[u8]) -> Lexed<'_, ParamValue<'_>> {
    let mut escaped = false;
    let mut length = 0;
    let mut bytes = input.iter();
    loop {
        match bytes.next().ok_or(LexError::Quote)? {
            b'"' => break,
            b'\\' => {
                escaped = true;
                text(*bytes.next().ok_or(LexError::Quote)?)?;
                length += 2;
            }
            c => {
                text(*c)?;
                length += 1;
            }
        }
    }
    let (raw, _) = input.split_at_checked(length).ok_or(LexError::Quote)?;
    Ok((ParamValue { raw, escaped }, bytes.as_slice()))
}

/// What a quoted string may hold: no control character but the tab.
fn text(c: u8) -> Result<(), LexError> {
    if c.is_ascii_control() && c != b'\t' { Err(LexError::Control) } else { Ok(()) }
}

/// The characters of an RFC 9110 token at the front, and what follows them.
fn token(input: &[u8]) -> (&[u8], &[u8]) {
    span(input, |c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c))
}

fn skip(input: &[u8], of: impl Fn(u8) -> bool) -> &[u8] {
    span(input, of).1
}

fn span(input: &[u8], of: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let length = input.iter().position(|&c| !of(c)).unwrap_or(input.len());
    input.split_at_checked(length).unwrap_or((input, &[]))
}

/// What some servers put before an invoice, as in a QR code (BOLT 11 §Encoding Overview).
const URI_SCHEME: &[u8] = b"lightning:";

/// The most parameters of one challenge of ours.
pub(crate) const MAX_PARAMS: usize = 64;

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t')
}

fn is_separator(c: u8) -> bool {
    is_space(c) || c == b','
}
