//! A multipart form (RFC 7578), as `-F` describes it.
//!
//! 1. Files are sent straight from the disk, as often as they must be.
//! 2. A name that contains a quote or a line end cannot break out of its header: they are percent-encoded, as browsers do.

use super::body::{Body, BodyError, from_file, joined};
use l402_agent::http::payload::Payload;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Reads the parts.
pub(super) fn read(parts: &[OsString]) -> Result<Body, BodyError> {
    let random = getrandom::u64().map_err(BodyError::Random)?;
    let boundary = format!("------------------------{random:016x}");
    let mut pieces = Vec::new();
    for part in parts {
        let Part { head, content } = Part::read(part.as_bytes())?;
        let head = [b"--", boundary.as_bytes(), b"\r\n", &head, b"\r\n"].concat();
        pieces.extend([Payload::from(head), content, Payload::from("\r\n")]);
    }
    pieces.push(Payload::from(format!("--{boundary}--\r\n")));
    Ok(Body { payload: joined(pieces), content_type: format!("multipart/form-data; boundary={boundary}") })
}

struct Part {
    head: Vec<u8>,
    content: Payload,
}

impl Part {
    fn read(text: &[u8]) -> Result<Self, BodyError> {
        let at = text.iter().position(|byte| *byte == b'=').ok_or(BodyError::Form)?;
        let (name, rest) = (&text[..at], &text[at + 1..]);
        let (source, rest) = match rest.split_first() {
            Some((mark @ (b'@' | b'<'), rest)) => (Some(*mark), rest),
            _ => (None, rest),
        };
        let Words { first, content_type, file_name } = Words::read(rest)?;
        let path = OsStr::from_bytes(&first);
        let content = if source.is_some() { from_file(path)? } else { Payload::from(first.clone()) };
        let is_file = source == Some(b'@');
        let own_name = || Path::new(path).file_name().map(|name| name.as_bytes().to_vec());
        let file_name = file_name.or_else(|| if is_file { own_name() } else { None });
        let usual = if is_file && first != b"-" { Some(type_of(&first)) } else { None }; // curl says none for standard input
        let content_type = content_type.or_else(|| usual.map(|text| text.as_bytes().to_vec()));

        let mut head = [b"Content-Disposition: form-data; name=\"", &escaped(name)[..], b"\""].concat();
        if let Some(file_name) = file_name {
            head.extend_from_slice(&[b"; filename=\"", &escaped(&file_name)[..], b"\""].concat());
        }
        head.extend_from_slice(b"\r\n");
        if let Some(content_type) = content_type {
            head.extend_from_slice(&[b"Content-Type: ", &content_type[..], b"\r\n"].concat());
        }
        Ok(Self { head, content })
    }
}

/// The words of a part, which semicolons separate.
struct Words {
    first: Vec<u8>,
    content_type: Option<Vec<u8>>,
    file_name: Option<Vec<u8>>,
}

impl Words {
    fn read(text: &[u8]) -> Result<Self, BodyError> {
        let (first, mut rest) = word(text)?;
        let mut words = Self { first, content_type: None, file_name: None };
        while let Some(more) = rest {
            let more = more.trim_ascii_start();
            if let Some(text) = more.strip_prefix(b"type=") {
                let (found, after) = word(text)?;
                rest = after;
                words.content_type = Some(found);
            } else if let Some(text) = more.strip_prefix(b"filename=") {
                let (found, after) = word(text)?;
                rest = after;
                words.file_name = Some(found);
            } else if let Some(content_type) = &mut words.content_type {
                let (parameter, after) = word(more)?; // such as `charset=utf-8`
                rest = after;
                content_type.extend_from_slice(&[b";", &parameter[..]].concat());
            } else {
                return Err(BodyError::Form);
            }
        }
        let is_line = |text: &Option<Vec<u8>>| text.as_ref().is_none_or(|text| !text.iter().any(u8::is_ascii_control));
        if is_line(&words.content_type) { Ok(words) } else { Err(BodyError::Form) }
    }
}

/// Reads up to a semicolon, or what stands in quotes; returns what follows the semicolon.
fn word(text: &[u8]) -> Result<(Vec<u8>, Option<&[u8]>), BodyError> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        return Ok((text[..end].to_vec(), text.get(end + 1..)));
    };
    let (mut found, mut bytes) = (Vec::new(), quoted.iter().enumerate());
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => found.extend(bytes.next().map(|(_, byte)| *byte)),
            b'"' => {
                let rest = quoted[at + 1..].trim_ascii_start();
                return match rest.split_first() {
                    None => Ok((found, None)),
                    Some((b';', rest)) => Ok((found, Some(rest))),
                    Some(_) => Err(BodyError::Form),
                };
            }
            byte => found.push(*byte),
        }
    }
    Err(BodyError::Form)
}

fn escaped(name: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'"' => text.extend_from_slice(b"%22"),
            b'\r' => text.extend_from_slice(b"%0D"),
            b'\n' => text.extend_from_slice(b"%0A"),
            byte => text.push(*byte),
        }
    }
    text
}

/// The types that curl knows.
fn type_of(path: &[u8]) -> &'static str {
    let extension = Path::new(OsStr::from_bytes(path)).extension().unwrap_or_default().to_ascii_lowercase();
    match extension.as_bytes() {
        b"gif" => "image/gif",
        b"jpg" | b"jpeg" => "image/jpeg",
        b"png" => "image/png",
        b"svg" => "image/svg+xml",
        b"txt" => "text/plain",
        b"htm" | b"html" => "text/html",
        b"pdf" => "application/pdf",
        b"xml" => "application/xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(part: &str) -> Option<String> {
        let part = Part::read(part.as_bytes()).ok()?;
        Some(String::from_utf8(part.head).unwrap().replace("\r\n", "|"))
    }

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        let disposition = "Content-Disposition: form-data; ";
        for (part, expected) in [
            ("a=b", "name=\"a\"|"),
            ("a\"b\r\nX: 1=b", "name=\"a%22b%0D%0AX: 1\"|"),
            ("a=b;type=text/html; charset=utf-8", "name=\"a\"|Content-Type: text/html;charset=utf-8|"),
            ("a=b;filename=\"x;\\\"y\";type=t/p", "name=\"a\"; filename=\"x;%22y\"|Content-Type: t/p|"),
        ] {
            assert_eq!(head(part).unwrap(), format!("{disposition}{expected}"), "{part}");
        }
        for part in ["a", "a=b;type=x\r\nX: 1", "a=\"b", "a=\"b\"c", "a=b;nonsense=1", "a=@/does/not/exist"] {
            assert_eq!(head(part), None, "{part}");
        }
    }
}
