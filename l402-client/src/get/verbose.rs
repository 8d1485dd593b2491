//! Each request and each response, as `-v` prints them on standard error.
//!
//! 1. The values of headers that carry a login, a token or a session are left out, and so is the token of a challenge.
//! 2. What a server says is cleaned of escapes.

// Threats: H2.

use http::{HeaderMap, Method, Uri, response};
use l402_agent::http::raw;
use l402_agent::http::trace::{Traced, is_secret};
use l402_agent::text::printable;
use std::io::{self, Write};

/// Prints one of them; with `json`, an object for each line.
pub(super) fn print(traced: &Traced<'_>, json: bool) {
    let lines = match traced {
        Traced::Sent { method, uri, headers } => request(method, uri, headers),
        Traced::Received(parts) => answer(parts),
        _ => return,
    };
    let mut text = String::new();
    for line in lines {
        text += &if json { serde_json::json!({ "event": "trace", "line": line }).to_string() } else { line };
        text.push('\n');
    }
    let _ = io::stderr().write_all(text.as_bytes()); // nobody is left to read it
}

fn request(method: &Method, uri: &Uri, headers: &HeaderMap) -> Vec<String> {
    let to = uri.scheme_str().zip(uri.authority()).map(|(scheme, authority)| format!("* to {scheme}://{authority}"));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut lines: Vec<_> = to.into_iter().chain([format!("> {method} {}", printable(path))]).collect();
    lines.extend(headers.iter().map(|(name, value)| shown('>', name.as_str(), value.as_bytes())));
    lines.push(">".to_owned());
    lines
}

fn answer(parts: &response::Parts) -> Vec<String> {
    let head = raw::head(parts);
    let lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.map(|line| match line.iter().position(|byte| *byte == b':') {
        Some(at) if !line.starts_with(b"HTTP/") => {
            shown('<', &String::from_utf8_lossy(&line[..at]), line[at + 1..].trim_ascii())
        }
        _ => format!("< {}", printable(&String::from_utf8_lossy(line))).trim_end().to_owned(),
    });
    let mut lines: Vec<_> = lines.collect();
    lines.pop(); // what follows the last line end
    lines
}

fn shown(mark: char, name: &str, value: &[u8]) -> String {
    let name = printable(name);
    if is_secret(&name) {
        return format!("{mark} {name}: <{} bytes left out>", value.len());
    }
    let value = String::from_utf8_lossy(value);
    let value = if name.eq_ignore_ascii_case("www-authenticate") { without_token(&value) } else { value.into_owned() };
    format!("{mark} {name}: {}", printable(&value))
}

/// Leaves out the token of a challenge: with the preimage, it is a credential.
fn without_token(challenge: &str) -> String {
    let (mut shown, mut rest) = (String::new(), challenge);
    loop {
        let lower = rest.to_ascii_lowercase();
        let Some(at) = ["token", "macaroon"].iter().filter_map(|name| Some(lower.find(name)? + name.len())).min()
        else {
            return shown + rest;
        };
        shown += &rest[..at];
        rest = &rest[at..];
        let value = rest.trim_start();
        let Some(value) = value.strip_prefix('=').map(str::trim_start) else { continue };
        rest = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').map_or("", |(_, rest)| rest),
            None => &value[value.find([',', ' ']).unwrap_or(value.len())..],
        };
        shown += "=<left out>";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;

    #[test]
    fn h2_nothing_secret_is_shown() {
        let mut headers = HeaderMap::new();
        for name in ["Authorization", "COOKIE", "Macaroon", "Grpc-Metadata-Macaroon", "Token", "Proxy-Authorization"] {
            headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), "CANARY".parse().unwrap());
        }
        headers.insert("x-plain", "seen".parse().unwrap());
        let uri = Uri::from_static("http://a/b?c");
        let shown = request(&Method::GET, &uri, &headers).join("\n");
        assert!(!shown.contains("CANARY") && shown.contains("> x-plain: seen"), "{shown}");
        assert!(shown.starts_with("* to http://a\n> GET /b?c\n"), "{shown}");

        let answered = Response::builder().status(402).header("set-cookie", "CANARY").header("x-esc", "a\tb");
        let answered = answered.header("www-authenticate", r#"L402 version="0", token="CANARY", invoice="lnbc1""#);
        let (parts, ()) =
            answered.header("www-authenticate", "LSAT macaroon=CANARY, x=1").body(()).unwrap().into_parts();
        let shown = answer(&parts).join("\n");
        assert!(
            !shown.contains("CANARY") && shown.contains(r#"version="0", token=<left out>, invoice="lnbc1""#),
            "{shown}"
        );
        assert!(shown.contains("macaroon=<left out>, x=1") && shown.contains("a\u{fffd}b"), "{shown}");
        assert!(shown.starts_with("< HTTP/1.1 402 Payment Required\n") && shown.ends_with("\n<"), "{shown}");
    }
}
