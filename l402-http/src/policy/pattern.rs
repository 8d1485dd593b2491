//! The path of a route, as an operator writes it.
//!
//! 1. `/v1/demo` is that path, `/v1/{id}` stands for any one segment in place of `{id}`, and `/v1/*` for `/v1` and
//!    everything beneath it.
//! 2. A final `/` does not matter, in a pattern or in a request: programs that ignore it must not be reached around a price.
//! 3. Literal segments are put into the form of [`CanonicalPath`], and are matched with their case (the policy
//!    refuses what matches another route without it).

use crate::path::{CanonicalPath, PathError};
use core::fmt;

/// The segments of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) segments: Vec<Segment>,
    /// Whether it goes on with anything, or nothing.
    pub(super) subtree: bool,
}

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(Box<str>),
    Parameter,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.strip_prefix('/').ok_or(PatternError::Path(PathError::NotAbsolute))?;
        if text.starts_with('/') {
            return Err(PatternError::Path(PathError::EmptySegment));
        }
        let (text, subtree) = match text.strip_suffix('*') {
            Some("") => ("", true),
            Some(parent) => (parent.strip_suffix('/').ok_or(PatternError::Wildcard)?, true),
            None => (text.strip_suffix('/').unwrap_or(text), false),
        };
        let segments =
            if text.is_empty() { Vec::new() } else { text.split('/').map(segment).collect::<Result<_, _>>()? };
        Ok(Self { segments, subtree })
    }

    /// Returns the pattern in the case of [`str::to_ascii_lowercase`].
    pub(super) fn lowercase(&self) -> Self {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => Segment::Literal(text.to_ascii_lowercase().into()),
            Segment::Parameter => Segment::Parameter,
        });
        Self { segments: segments.collect(), subtree: self.subtree }
    }
}

fn segment(text: &str) -> Result<Segment, PatternError> {
    if text.is_empty() {
        return Err(PatternError::Path(PathError::EmptySegment));
    }
    if let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        return if named { Ok(Segment::Parameter) } else { Err(PatternError::Parameter) };
    }
    match text.chars().find(|c| matches!(c, '{' | '}' | '*' | '+')) {
        Some('*') => return Err(PatternError::Wildcard),
        Some('+') => return Err(PatternError::Plus),
        Some(_) => return Err(PatternError::Parameter),
        None => {}
    }
    let path = format!("/{text}");
    let path = CanonicalPath::parse(&path).map_err(PatternError::Path)?;
    Ok(Segment::Literal(path.as_str().trim_start_matches('/').into()))
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// No request could have such a path.
    Path(PathError),
    /// `{` and `}` do not enclose a whole segment with a name of letters, digits and `_`.
    Parameter,
    /// `*` stands elsewhere than alone at the end.
    Wildcard,
    /// `+` reads as itself or as a space, depending on the program; a parameter covers both.
    Plus,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(fault) => fault.fmt(f),
            Self::Parameter => f.write_str("a parameter is a whole segment, '{name}'"),
            Self::Wildcard => f.write_str("'*' is allowed only at the end, as in '/v1/*'"),
            Self::Plus => f.write_str("'+' is ambiguous; use a parameter instead"),
        }
    }
}

impl core::error::Error for PatternError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Path(fault) => Some(fault),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Segment {
        Segment::Literal(text.into())
    }

    #[test]
    fn patterns_are_read() {
        let pattern = |segments: &[Segment], subtree| Ok(Pattern { segments: segments.to_vec(), subtree });
        assert_eq!(Pattern::parse("/"), pattern(&[], false));
        assert_eq!(Pattern::parse("/*"), pattern(&[], true));
        assert_eq!(Pattern::parse("/v1/demo/"), pattern(&[literal("v1"), literal("demo")], false));
        assert_eq!(Pattern::parse("/v1/{id}/x"), pattern(&[literal("v1"), Segment::Parameter, literal("x")], false));
        assert_eq!(Pattern::parse("/v1/*"), pattern(&[literal("v1")], true));
        assert_eq!(Pattern::parse("/%7euser/m%3Ago"), pattern(&[literal("~user"), literal("m:go")], false));
    }

    #[test]
    fn bad_patterns_are_refused() {
        for (text, fault) in [
            ("v1", PatternError::Path(PathError::NotAbsolute)),
            ("/a//b", PatternError::Path(PathError::EmptySegment)),
            ("//", PatternError::Path(PathError::EmptySegment)),
            ("//*", PatternError::Path(PathError::EmptySegment)),
            ("/a//", PatternError::Path(PathError::EmptySegment)),
            ("/a//*", PatternError::Path(PathError::EmptySegment)),
            ("/a/../b", PatternError::Path(PathError::DotSegment)),
            ("/a?b", PatternError::Path(PathError::Delimiter)),
            ("/a*", PatternError::Wildcard),
            ("/*/b", PatternError::Wildcard),
            ("/a/**", PatternError::Wildcard),
            ("/x{id}", PatternError::Parameter),
            ("/{}", PatternError::Parameter),
            ("/{a.b}", PatternError::Parameter),
            ("/a+b", PatternError::Plus),
        ] {
            assert_eq!(Pattern::parse(text), Err(fault), "{text}");
        }
    }
}
