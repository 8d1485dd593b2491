//! Who asks: a program, a person, or gRPC.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For programs.
    Json,
    /// For people with a browser.
    Html,
    /// For gRPC clients: HTTP status 200, no body, and a gRPC status with `l402-reason` among the header fields.
    Grpc,
}

impl Form {
    /// Chooses from the fields of the request: gRPC by its `Content-Type`, a page where `Accept` names HTML and likes nothing
    /// of JSON better, else JSON.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use l402_http::response::Form;
    ///
    /// let mut fields = HeaderMap::new();
    /// assert_eq!(Form::of(&fields), Form::Json);
    /// fields.insert("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8".parse()?);
    /// assert_eq!(Form::of(&fields), Form::Html);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(fields: &HeaderMap) -> Self {
        let pageless = Self::without_page(fields);
        if pageless == Self::Grpc {
            return pageless;
        }
        let (html, json) = (weight(fields, "text/html"), weight(fields, "application/json"));
        if html > 0 && html >= json { Self::Html } else { pageless }
    }

    /// Chooses where there is no page to show.
    pub(crate) fn without_page(fields: &HeaderMap) -> Self {
        let is_grpc = fields.get(CONTENT_TYPE).is_some_and(|value| is_grpc(value.as_bytes()));
        if is_grpc { Self::Grpc } else { Self::Json }
    }
}

/// `application/grpc`, alone or with `+proto` and the like; gRPC-Web is another protocol.
pub(crate) fn is_grpc(content_type: &[u8]) -> bool {
    let Some((start, rest)) = content_type.split_at_checked(GRPC.len()) else { return false };
    start.eq_ignore_ascii_case(GRPC.as_bytes()) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

const GRPC: &str = "application/grpc";

/// The quality of a media type that `Accept` names, in thousandths; 0 where it is not named (RFC 9110 §12.5.1).
fn weight(fields: &HeaderMap, media_type: &str) -> u16 {
    let lines = fields.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges = lines.flat_map(|line| line.split(','));
    ranges.filter_map(|range| quality_of(range, media_type)).max().unwrap_or(0)
}

fn quality_of(range: &str, media_type: &str) -> Option<u16> {
    let mut parts = range.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(media_type) {
        return None;
    }
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some(quality.map_or(1000, thousandths))
}

/// Reads `0.8`; what is no quality counts as none.
fn thousandths(quality: &str) -> u16 {
    match quality.split_once('.') {
        None => {
            if quality == "1" {
                1000
            } else {
                0
            }
        }
        Some(("1", _)) => 1000,
        Some((_, digits)) => digits.bytes().chain(*b"000").take(3).fold(0, |sum, digit| {
            let digit = if digit.is_ascii_digit() { digit - b'0' } else { 0 };
            sum * 10 + u16::from(digit)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(name: &'static str, value: &'static str) -> Form {
        Form::of(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]))
    }

    #[test]
    fn the_form_follows_who_asks() {
        for (accept, expected) in [
            ("*/*", Form::Json),
            ("application/json", Form::Json),
            ("text/html", Form::Html),
            ("TEXT/HTML; charset=utf-8", Form::Html),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form::Html),
            ("application/json, text/html;q=0.9", Form::Json),
            ("application/json;q=0.25, text/html;q=0.5", Form::Html),
            ("text/html;q=0", Form::Json),
            ("text/html;q=0.000", Form::Json),
            ("text/html;q=1.000", Form::Html),
            ("text/htmlx", Form::Json),
        ] {
            assert_eq!(form("accept", accept), expected, "{accept}");
        }
        for (content_type, expected) in [
            ("application/grpc", Form::Grpc),
            ("Application/gRPC+proto", Form::Grpc),
            ("application/grpc;charset=utf-8", Form::Grpc),
            ("application/grpc-web", Form::Json),
            ("application/json", Form::Json),
        ] {
            assert_eq!(form("content-type", content_type), expected, "{content_type}");
        }
    }
}
