//! What a client is told whose request hyper does not even pass on.
//!
//! hyper answers a head that cannot be parsed, or is too large, with a status alone. Here such an answer gets a body in the form
//! of all others: JSON with a `reason`.

use http::StatusCode;
use l402_http::response::{Form, Problem, Reason};

/// Returns the answer to send in place of one that hyper has made by itself; [`None`] for any other. To be asked between answers
/// only: a body may hold the same bytes.
pub(super) fn explained(head: &[u8]) -> Option<Vec<u8>> {
    // Cheap first: this is asked of whatever is written.
    let head = head.strip_prefix(b"HTTP/1.1 4")?.strip_suffix(b"\r\n\r\n")?;
    let mut lines = str::from_utf8(head).ok()?.split("\r\n");
    let problem = match lines.next()?.get(..2)? {
        "00" => Problem::new(StatusCode::BAD_REQUEST, Reason::MALFORMED_REQUEST, &"the request cannot be parsed"),
        "14" => Problem::new(StatusCode::URI_TOO_LONG, Reason::TARGET_TOO_LONG, &"the request target is too long"),
        "31" => Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Reason::HEADER_TOO_LARGE,
            &"the request has too many headers, or too long ones",
        ),
        _ => return None,
    };
    let (mut closes, mut is_empty) = (false, false);
    for line in lines {
        match line {
            "connection: close" => closes = true,
            "content-length: 0" => is_empty = true,
            date if date.starts_with("date: ") => {}
            _ => return None, // an answer of ours or of an upstream says more
        }
    }
    (closes && is_empty).then(|| written(&problem))
}

fn written(problem: &Problem<'_>) -> Vec<u8> {
    let response = problem.response(Form::Json);
    let (status, body) = (response.status(), response.body());
    let mut text = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in response.headers() {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend(format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()).into_bytes());
    text.extend_from_slice(body);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hyper_says_by_itself_is_explained() {
        let head =
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let text = String::from_utf8(explained(head.as_bytes()).expect("explained")).expect("text");
        assert!(text.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{text}");
        let (_, body) = text.split_once("\r\n\r\n").expect("a body");
        assert!(
            text.contains(&format!("content-length: {}\r\n", body.len())) && body.contains("header-too-large"),
            "{text}"
        );
        for other in [
            head.replace("431", "200"),
            head.replace("431", "404"),
            head.replace("connection: close\r\n", ""),
            head.replace("length: 0", "length: 1"),
            head.replace("date: x", "server: x"),
            format!("{head}body"),
        ] {
            assert!(explained(other.as_bytes()).is_none(), "{other}");
        }
    }
}
