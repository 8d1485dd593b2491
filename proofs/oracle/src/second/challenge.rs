//! `WWW-Authenticate`: a reader that walks over the field once, a character at a time.
//!
//! A field is a list of challenges, `scheme [token68 | name = value, …]`, separated by commas, which may be left out between a quoted
//! value and a name. Of a challenge of ours the version is 0 or missing, and `token` (or `macaroon`) and `invoice` are present and
//! given once, or always the same; a token can stand in a credential, and of the invoice blanks and `lightning:` are left out.

use super::text::trimmed;

/// The most bytes of a field.
pub const MAX_FIELD: usize = 32768;
/// The most parameters of a challenge of ours.
const MAX_PARAMS: usize = 64;

/// A challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Whether the scheme is called L402, not LSAT.
    pub l402: bool,
    /// The text, whatever it is.
    pub token: Vec<u8>,
    /// The BOLT11 text.
    pub invoice: Vec<u8>,
}

/// Reads all challenges of a field: [`None`] stands for one of ours that cannot be answered, or for the place where the field is
/// no list of challenges any more.
pub fn read(field: &[u8]) -> Vec<Option<Challenge>> {
    if field.len() > MAX_FIELD {
        return vec![None];
    }
    let mut reader = Reader { field: field.to_vec(), at: 0 };
    let mut found = Vec::new();
    loop {
        reader.skip(b" \t,");
        if reader.peek().is_none() {
            return found;
        }
        let scheme = reader.word();
        let ours = ["l402", "lsat"].iter().any(|name| scheme.eq_ignore_ascii_case(name.as_bytes()));
        if scheme.is_empty() || !matches!(reader.peek(), None | Some(b' ' | b'\t' | b',')) {
            found.push(None); // a list element that begins with no scheme
            return found;
        }
        reader.skip(b" \t");
        if !ours {
            reader.skip_token68();
        }
        match reader.params().filter(|params| !ours || params.len() <= MAX_PARAMS) {
            Some(params) if ours && !of_another_version(&params) => found.push(challenge(&scheme, &params)),
            Some(_) => {}
            None => {
                // What is wrong inside another scheme's challenge is not ours to report.
                found.extend(ours.then_some(None));
                return found;
            }
        }
    }
}

/// Chooses the challenge to answer: the first called L402, else the first called LSAT.
pub fn select(fields: &[Vec<u8>]) -> Option<Challenge> {
    let all: Vec<_> = fields.iter().flat_map(|field| read(field)).flatten().collect();
    all.iter().find(|challenge| challenge.l402).or(all.first()).cloned()
}

type Param = (String, Vec<u8>);

/// Whether the challenge is of a version that is not ours, which is no error.
fn of_another_version(params: &[Param]) -> bool {
    !contradicts(params) && given(params, &["version"]).first().is_some_and(|version| version != b"0")
}

fn challenge(scheme: &[u8], params: &[Param]) -> Option<Challenge> {
    if contradicts(params) {
        return None;
    }
    let l402 = scheme.eq_ignore_ascii_case(b"l402");
    let first = |names| given(params, names).first().cloned();
    let invoice = first(&["invoice"]).filter(|invoice| invoice.is_ascii())?;
    let stands = |c: &u8| (0x21..0x7f).contains(c) && *c != b':' && *c != b',';
    let token = first(TOKEN).filter(|token| !token.is_empty() && token.iter().all(stands))?;
    Some(Challenge { l402, token, invoice })
}

/// Whether a parameter is given twice with different values.
fn contradicts(params: &[Param]) -> bool {
    let differ = |names| given(params, names).windows(2).any(|two| two[0] != two[1]);
    differ(&["version"]) || differ(TOKEN) || differ(&["invoice"])
}

/// The values of a parameter that has several names.
fn given(params: &[Param], names: &[&str]) -> Vec<Vec<u8>> {
    let value = |(name, value): &Param| if name == "invoice" { bare_invoice(value) } else { value.clone() };
    params.iter().filter(|(name, _)| names.contains(&name.as_str())).map(value).collect()
}

fn bare_invoice(value: &[u8]) -> Vec<u8> {
    let value = trimmed(value);
    match value.split_at_checked(10) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"lightning:") => trimmed(rest).to_vec(),
        _ => value.to_vec(),
    }
}

const TOKEN: &[&str] = &["token", "macaroon"];

struct Reader {
    field: Vec<u8>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<u8> {
        self.field.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn skip(&mut self, any_of: &[u8]) {
        while self.peek().is_some_and(|c| any_of.contains(&c)) {
            self.at += 1;
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Vec<u8> {
        let mut taken = Vec::new();
        while let Some(c) = self.peek().filter(|c| wanted(*c)) {
            taken.push(c);
            self.at += 1;
        }
        taken
    }

    /// A token of RFC 9110 §5.6.2.
    fn word(&mut self) -> Vec<u8> {
        self.take_while(|c| c.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&c))
    }

    /// `token68` of RFC 9110 §11.2, if nothing but a comma follows it.
    fn skip_token68(&mut self) {
        let start = self.at;
        let body = self.take_while(|c| c.is_ascii_alphanumeric() || b"-._~+/".contains(&c));
        self.skip(b"=");
        let end = self.at;
        self.skip(b" \t");
        let ends = matches!(self.peek(), None | Some(b','));
        self.at = if !body.is_empty() && ends { end } else { start };
    }

    /// The parameters up to the next challenge; [`None`] where one is malformed.
    fn params(&mut self) -> Option<Vec<Param>> {
        let mut params = Vec::new();
        loop {
            let before = self.at;
            self.skip(b" \t,");
            let name = self.word();
            self.skip(b" \t");
            if self.next() != Some(b'=') {
                self.at = before;
                return Some(params);
            }
            self.skip(b" \t");
            let is_quoted = self.peek() == Some(b'"');
            let value = if is_quoted { self.quoted()? } else { self.unquoted()? };
            let behind = self.at;
            self.skip(b" \t");
            let ends = matches!(self.peek(), None | Some(b',')) || (is_quoted && self.at > behind && self.at_param());
            if name.is_empty() || !ends {
                return None;
            }
            params.push((String::from_utf8(name).ok()?.to_ascii_lowercase(), value));
        }
    }

    /// Whether `name =` follows.
    fn at_param(&self) -> bool {
        let mut ahead = Self { field: self.field.clone(), at: self.at };
        let name = ahead.word();
        ahead.skip(b" \t");
        !name.is_empty() && ahead.peek() == Some(b'=')
    }

    /// Visible characters up to a comma, as deployed servers send base64 and invoices.
    fn unquoted(&mut self) -> Option<Vec<u8>> {
        let value = self.take_while(|c| c.is_ascii_graphic() && c != b'"' && c != b',');
        (!value.is_empty()).then_some(value)
    }

    /// A quoted string of RFC 9110 §5.6.4, without its escapes.
    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        self.next();
        loop {
            let c = match self.next()? {
                b'"' => return Some(value),
                b'\\' => self.next()?,
                c => c,
            };
            if c != b'\t' && (c < 0x20 || c == 0x7f) {
                return None;
            }
            value.push(c);
        }
    }
}
