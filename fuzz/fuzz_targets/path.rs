//! A canonical path stays as it is, and decodes once to what the path that came decodes to.
#![no_main]

use l402_http::path::CanonicalPath;

libfuzzer_sys::fuzz_target!(|raw: &str| {
    let Ok(path) = CanonicalPath::parse(raw) else { return };
    assert_eq!(CanonicalPath::parse(path.as_str()).as_ref(), Ok(&path));
    assert_eq!(decoded(path.as_str()), decoded(raw));
});

fn decoded(path: &str) -> Vec<u8> {
    let mut bytes = path.bytes();
    std::iter::from_fn(|| match bytes.next()? {
        b'%' => u8::from_str_radix(&format!("{}{}", char::from(bytes.next()?), char::from(bytes.next()?)), 16).ok(),
        byte => Some(byte),
    })
    .collect()
}
