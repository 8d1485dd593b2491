//! An error in one line.

use core::error::Error;
use core::fmt;

/// Writes an error with its causes, joined with colons.
///
/// Many errors write their cause's text themselves and name the cause as well. What stands in the line already is not
/// repeated, and an error whose text is only the beginning or the end of its cause's gives way to it.
///
/// ```
/// use l402_program::Causes;
/// use std::io::{Error, ErrorKind};
///
/// let refused = Error::new(ErrorKind::ConnectionRefused, "refused");
/// let failed = Error::other(Error::other(refused));
/// assert_eq!(Causes(&failed).to_string(), "refused");
/// ```
pub struct Causes<'a>(pub &'a (dyn Error + 'a));

impl fmt::Debug for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Causes").field(&self.0).finish()
    }
}

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut texts: Vec<String> = Vec::new();
        let mut next = Some(self.0);
        while let Some(error) = next {
            add(&mut texts, plain(error.to_string()));
            next = error.source();
        }
        for (index, text) in texts.iter().enumerate() {
            if index > 0 {
                f.write_str(": ")?;
            }
            f.write_str(text)?;
        }
        Ok(())
    }
}

/// Says in words what rustls writes as the names of its variants.
fn plain(text: String) -> String {
    TLS.iter().fold(text, |text, (name, words)| if text.contains(name) { text.replace(name, words) } else { text })
}

/// What rustls writes, and what it means.
const TLS: [(&str, &str); 3] = [
    ("received corrupt message of type InvalidContentType", "the other side does not speak TLS there"),
    ("invalid peer certificate: UnknownIssuer", "its certificate is not from a trusted authority"),
    (
        "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
        "its certificate is that of an authority (CA:TRUE); a server needs one of its own",
    ),
];

/// Adds what is not yet said.
fn add(texts: &mut Vec<String>, text: String) {
    if text.is_empty() || texts.iter().any(|said| says(said, &text)) {
        return;
    }
    let begins = |said: &str| text.strip_prefix(said).is_some_and(|rest| rest.starts_with(':'));
    let ends = |said: &str| text.strip_suffix(said).is_some_and(|rest| rest.ends_with(": "));
    while texts.pop_if(|said| begins(said) || ends(said)).is_some() {}
    texts.push(text);
}

/// Whether a text contains another as words of its own.
fn says(text: &str, part: &str) -> bool {
    let is_edge = |beside: Option<char>| beside.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(part).any(|(at, found)| {
        let (before, after) = (text.get(..at), text.get(at.saturating_add(found.len())..));
        is_edge(before.and_then(|text| text.chars().next_back())) && is_edge(after.and_then(|text| text.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Self>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    fn line(texts: &[&'static str]) -> String {
        let layer = texts.iter().rev().fold(None, |cause, text| Some(Box::new(Layer(text, cause))));
        Causes(&*layer.unwrap()).to_string()
    }

    #[test]
    fn causes_are_joined() {
        assert_eq!(line(&["cannot connect", "refused"]), "cannot connect: refused");
        assert_eq!(line(&["alone"]), "alone");
    }

    #[test]
    fn nothing_is_said_twice() {
        for (texts, expected) in [
            (
                &["tcp connect error: refused (os error 111)", "refused (os error 111)"][..],
                "tcp connect error: refused (os error 111)",
            ),
            (&["broken", "broken", "broken"], "broken"),
            (&["a: b: c", "b: c", "c"], "a: b: c"),
            (&["cannot connect", "cannot connect: refused", "refused"], "cannot connect: refused"),
            (&["cannot use it", "locked", "Error code 5: locked"], "cannot use it: Error code 5: locked"),
            (&["outer", "", "inner"], "outer: inner"),
        ] {
            assert_eq!(line(texts), expected);
        }
    }

    #[test]
    fn what_rustls_names_is_said_in_words() {
        for (name, words) in TLS {
            assert_eq!(line(&["cannot connect", name, name]), format!("cannot connect: {words}"));
        }
    }

    #[test]
    fn a_part_of_a_word_is_no_repetition() {
        assert_eq!(line(&["the node said 12", "1"]), "the node said 12: 1");
        assert_eq!(line(&["unreadable", "read"]), "unreadable: read");
        assert_eq!(line(&["a", "ab"]), "a: ab");
    }
}
