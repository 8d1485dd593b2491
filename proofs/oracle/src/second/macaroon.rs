//! Macaroons in both binary formats: first all fields, then the order in which they stand.

use super::text::hmac;

/// The most bytes of a token.
pub const MAX_LEN: usize = 8192;
/// The most caveats of a token.
pub const MAX_CAVEATS: usize = 32;

/// A macaroon of any service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macaroon {
    /// The location, empty where there is none.
    pub location: Vec<u8>,
    /// The identifier.
    pub identifier: Vec<u8>,
    /// The caveats in order.
    pub caveats: Vec<Caveat>,
    /// The signature as it is written.
    pub signature: Vec<u8>,
}

/// A caveat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caveat {
    /// The location, empty where there is none.
    pub location: Vec<u8>,
    /// The text of a first-party caveat.
    pub id: Vec<u8>,
    /// The encrypted key of a third-party caveat.
    pub verification_id: Option<Vec<u8>>,
}

impl Macaroon {
    /// Reads the format V2.
    pub fn read_v2(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_LEN || bytes.first() != Some(&2) {
            return None;
        }
        let mut sections = vec![Vec::new()];
        for (kind, content) in v2_fields(&bytes[1..])? {
            match kind {
                0 => sections.push(Vec::new()),
                _ => sections.last_mut()?.push((kind, content)),
            }
        }
        // header, caveats, the empty section that ends them, signature
        let [header, caveats @ .., end, last] = sections.as_slice() else { return None };
        let Caveat { location, id: identifier, verification_id: None } = v2_section(header)? else { return None };
        let caveats: Vec<_> = caveats.iter().map(|section| v2_section(section)).collect::<Option<_>>()?;
        match last.as_slice() {
            [(6, signature)] if end.is_empty() && signature.len() == 32 && caveats.len() <= MAX_CAVEATS => {
                Some(Self { location, identifier, caveats, signature: signature.clone() })
            }
            _ => None,
        }
    }

    /// Reads the format V1.
    pub fn read_v1(bytes: &[u8]) -> Option<Self> {
        let packets = if bytes.len() > MAX_LEN { None } else { v1_packets(bytes) }?;
        let mut packets = packets.into_iter().peekable();
        let mut take = |key: &str| packets.next_if(|(found, _)| found == key.as_bytes()).map(|(_, value)| value);
        let location = take("location").unwrap_or_default();
        let identifier = take("identifier")?;
        let mut caveats = Vec::new();
        while let Some(id) = take("cid") {
            let verification_id = take("vid");
            caveats.push(Caveat { id, verification_id, location: take("cl").unwrap_or_default() });
        }
        let signature = take("signature")?;
        let whole = packets.next().is_none() && signature.len() == 32 && caveats.len() <= MAX_CAVEATS;
        whole.then_some(Self { location, identifier, caveats, signature })
    }

    /// Mints a macaroon with first-party caveats.
    pub fn mint(root: &[u8], location: &[u8], identifier: &[u8], caveats: &[Vec<u8>]) -> Self {
        let caveats = caveats.iter().map(|id| Caveat { id: id.clone(), ..Caveat::default() }).collect();
        let mut minted =
            Self { location: location.to_vec(), identifier: identifier.to_vec(), caveats, signature: Vec::new() };
        minted.signature = minted.signature_under(root).to_vec();
        minted
    }

    /// Computes the signature that the macaroon should have.
    pub fn signature_under(&self, root: &[u8]) -> [u8; 32] {
        let key = hmac(b"macaroons-key-generator", root);
        self.caveats.iter().fold(hmac(&key, &self.identifier), |state, caveat| match &caveat.verification_id {
            None => hmac(&state, &caveat.id),
            Some(key) => hmac(&state, &[hmac(&state, key), hmac(&state, &caveat.id)].concat()),
        })
    }

    /// Writes the format V2; what is empty and may be left out is.
    pub fn write_v2(&self) -> Vec<u8> {
        let mut out = vec![2];
        write_section(&mut out, &self.location, &self.identifier, None);
        for Caveat { location, id, verification_id } in &self.caveats {
            write_section(&mut out, location, id, verification_id.as_deref());
        }
        out.push(0);
        write_field(&mut out, 6, &self.signature);
        out
    }
}

/// All fields to the end of the input, the end markers among them.
fn v2_fields(mut bytes: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut fields = Vec::new();
    while let [kind, rest @ ..] = bytes {
        bytes = rest;
        let mut content = Vec::new();
        if *kind != 0 {
            let digits = bytes.iter().position(|byte| *byte < 0x80)? + 1;
            let length = varint(&bytes[..digits])?;
            content = bytes.get(digits..digits.checked_add(length)?)?.to_vec();
            bytes = &bytes[digits + length..];
        }
        fields.push((*kind, content));
    }
    Some(fields)
}

/// An unsigned LEB128 number in its shortest form.
fn varint(digits: &[u8]) -> Option<usize> {
    let shortest = digits.len() == 1 || digits.last() != Some(&0);
    let value = digits
        .iter()
        .rev()
        .try_fold(0_usize, |value, digit| value.checked_mul(128)?.checked_add(usize::from(digit & 0x7f)));
    value.filter(|_| shortest)
}

/// A header or a caveat: `[location] identifier [verification id]`.
fn v2_section(fields: &[(u8, Vec<u8>)]) -> Option<Caveat> {
    let kinds: Vec<u8> = fields.iter().map(|(kind, _)| *kind).collect();
    let ordered = kinds.is_sorted_by(|left, right| left < right) && kinds.iter().all(|kind| [1, 2, 4].contains(kind));
    let of = |wanted| fields.iter().find(|(kind, _)| *kind == wanted).map(|(_, content)| content.clone());
    let caveat = Caveat { location: of(1).unwrap_or_default(), id: of(2)?, verification_id: of(4) };
    ordered.then_some(caveat)
}

fn write_section(out: &mut Vec<u8>, location: &[u8], id: &[u8], verification_id: Option<&[u8]>) {
    if !location.is_empty() {
        write_field(out, 1, location);
    }
    write_field(out, 2, id);
    if let Some(verification_id) = verification_id {
        write_field(out, 4, verification_id);
    }
    out.push(0);
}

fn write_field(out: &mut Vec<u8>, kind: u8, content: &[u8]) {
    out.push(kind);
    let mut length = content.len();
    while length >= 128 {
        out.push(u8::try_from(length % 128).unwrap_or_default() + 128);
        length /= 128;
    }
    out.push(u8::try_from(length).unwrap_or_default());
    out.extend(content);
}

/// All packets to the end of the input, as key and value.
fn v1_packets(mut bytes: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        let digits = bytes.get(..4).filter(|digits| digits.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')))?;
        let length = usize::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
        let body = bytes.get(4..length)?;
        bytes = &bytes[length..];
        let [line @ .., b'\n'] = body else { return None };
        let space = line.iter().position(|c| *c == b' ')?;
        packets.push((line[..space].to_vec(), line[space + 1..].to_vec()));
    }
    Some(packets)
}
