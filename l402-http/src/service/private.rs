//! What was paid for is stored by no shared cache (H3, RFC 9111 §5.2.2.7).
//!
//! 1. The lines of `Cache-Control` become one. `public` and `s-maxage` leave it, and `private` comes into it unless it has
//!    `private` or `no-store` for the whole response already. The rest stays: the buyer's own cache may store.
//! 2. The fields by which a cache of a network of them is told otherwise are dropped: `CDN-Cache-Control` and its kin by
//!    vendor (RFC 9213), `Surrogate-Control`, and what nginx and Akamai read.

use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};

/// Keeps an answer out of shared caches.
pub(super) fn keep_private(fields: &mut HeaderMap) {
    while let Some(name) = fields.keys().find(|name| is_for_shared_caches(name)).cloned() {
        fields.remove(name);
    }
    if !fields.contains_key(CACHE_CONTROL) {
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        return;
    }
    let lines: Vec<&[u8]> = fields.get_all(CACHE_CONTROL).iter().map(HeaderValue::as_bytes).collect();
    let merged = merged(&lines.join(&b", "[..]));
    // What was taken from fields can stand in one.
    let value = HeaderValue::from_bytes(&merged).unwrap_or(HeaderValue::from_static("private"));
    fields.insert(CACHE_CONTROL, value);
}

/// Whether the field is read by shared caches in place of `Cache-Control`.
fn is_for_shared_caches(name: &HeaderName) -> bool {
    let name = name.as_str();
    let of_a_vendor = |kind: &str| name.strip_suffix(kind).is_some_and(|vendor| vendor.ends_with('-'));
    of_a_vendor("cache-control")
        || of_a_vendor("surrogate-control")
        || matches!(name, "surrogate-control" | "edge-control" | "x-accel-expires" | "x-vc-ttl")
}

/// The directives that stay, and `private`.
fn merged(line: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut suffices = false;
    for directive in directives(line) {
        let name = directive.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii_end();
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("public") || is("s-maxage") {
            continue;
        }
        if is("private") && name.len() != directive.len() {
            continue; // of some fields only
        }
        suffices |= is("private") || is("no-store") && name.len() == directive.len();
        kept.push(directive);
    }
    if !suffices {
        kept.push(b"private");
    }
    kept.join(&b", "[..])
}

/// The elements of a list; a comma in quotes parts nothing. A quote that is not closed is left out with what follows it.
fn directives(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let elements = line.split(move |byte| {
        match byte {
            _ if core::mem::take(&mut escaped) => {}
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' => return !quoted,
            _ => {}
        }
        false
    });
    let whole = |element: &&[u8]| !element.split(|byte| *byte == b'"').count().is_multiple_of(2);
    elements
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
        .filter(move |element| whole(element) || element.contains(&b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h3_what_was_paid_for_is_private_in_one_line() {
        for (lines, expected) in [
            (&[][..], "private"),
            (&["max-age=60"], "max-age=60, private"),
            (&["public, s-maxage=60"], "private"),
            (&["Public , max-age=60,S-MaxAge=\"9\""], "max-age=60, private"),
            (&["public", "max-age=60", "s-maxage=9"], "max-age=60, private"),
            (&["private=\"set-cookie, x\", max-age=1"], "max-age=1, private"),
            (&["ext=\"a, private, b\""], "ext=\"a, private, b\", private"),
            (&["ext=\"a\\\", public\""], "ext=\"a\\\", public\", private"),
            (&["ext=\"a, public"], "private"),
            (&["no-store=1"], "no-store=1, private"),
            (&["privately"], "privately, private"),
            (&["private"], "private"),
            (&["private, public"], "private"),
            (&["max-age=60,Private"], "max-age=60, Private"),
            (&["max-age=60", "must-revalidate , NO-STORE"], "max-age=60, must-revalidate, NO-STORE"),
            (&[",, ,"], "private"),
        ] {
            let mut fields = HeaderMap::new();
            for line in lines {
                fields.append(CACHE_CONTROL, HeaderValue::from_static(line));
            }
            keep_private(&mut fields);
            let after: Vec<_> = fields.get_all(CACHE_CONTROL).iter().collect();
            assert_eq!(after, [expected], "{lines:?}");
        }
    }

    #[test]
    fn h3_no_header_allows_a_shared_cache_to_store() {
        for name in [
            "cdn-cache-control",
            "cloudflare-cdn-cache-control",
            "vercel-cdn-cache-control",
            "netlify-cdn-cache-control",
            "akamai-cache-control",
            "fastly-cache-control",
            "x-litespeed-cache-control",
            "surrogate-control",
            "fastly-surrogate-control",
            "edge-control",
            "x-accel-expires",
        ] {
            let mut fields = HeaderMap::new();
            fields.append(HeaderName::from_static(name), HeaderValue::from_static("public, max-age=600"));
            fields.append(HeaderName::from_static("expires"), HeaderValue::from_static("0"));
            keep_private(&mut fields);
            let mut left: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
            left.sort_unstable();
            assert_eq!(left, ["cache-control", "expires"], "{name}");
        }
    }
}
