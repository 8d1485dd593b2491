//! The request that the command line describes.

use crate::cli::GetArgs;
use crate::get::given::{self, GivenTokenError};
use core::fmt;
use http::Method;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use l402_agent::http::draft::Draft;
use l402_agent::http::payload::{Payload, PayloadError};
use l402_agent::http::url::{self, UrlError};
use l402_core::CredentialHeaders;
use l402_http::pay::TokenField;

/// Reads the request off the command line, and its body from where `-d` says.
///
/// # Errors
/// [`RequestDraftError`].
pub fn from_args(args: &GetArgs) -> Result<Draft, RequestDraftError> {
    let headers_given = given_headers(args)?; // before the body, which may be standard input
    let body = args.request.data.as_deref().map(Payload::from_arg).transpose().map_err(RequestDraftError::Body)?;
    let method = match &args.request.method {
        Some(name) => method(name)?,
        None if body.is_some() => Method::POST,
        None => Method::GET,
    };
    let mut headers = default_headers(body.is_some());
    headers.extend(headers_given); // replaces the defaults of the same name, keeps what was given twice
    Ok(Draft {
        method,
        uri: url::parse(&args.url).map_err(RequestDraftError::Url)?,
        headers,
        body: body.unwrap_or_default(),
    })
}

/// The headers that the user sets, the one of the token among them.
fn given_headers(args: &GetArgs) -> Result<HeaderMap, RequestDraftError> {
    let mut given = HeaderMap::new();
    for line in &args.request.headers {
        let (name, value) = header_field(line)?;
        given.append(name, value);
    }
    if let Some(source) = &args.pay.token {
        let field = TokenField::from(args.pay.token_field);
        if !field.is_free(&given) {
            return Err(RequestDraftError::TwoCredentials(field.name()));
        }
        if source == "-" && args.request.data.as_deref() == Some("@-") {
            return Err(RequestDraftError::OneInput);
        }
        given.insert(field.name(), given::read(source, field).map_err(RequestDraftError::Token)?);
    }
    Ok(given)
}

/// Reads a method. Names are case-sensitive, and no server knows `get`: what is common is meant, as in Fetch §2.2.1.
fn method(name: &str) -> Result<Method, RequestDraftError> {
    let common = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    let name = common.into_iter().find(|common| name.eq_ignore_ascii_case(common)).unwrap_or(name);
    name.parse().map_err(|_| RequestDraftError::Method)
}

fn default_headers(with_body: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("l402/", env!("CARGO_PKG_VERSION"))));
    if with_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    }
    headers
}

fn header_field(line: &str) -> Result<(HeaderName, HeaderValue), RequestDraftError> {
    let (name, value) = line.split_once(':').ok_or(RequestDraftError::Header)?;
    let name: HeaderName = name.trim().parse().map_err(|_| RequestDraftError::Header)?;
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| RequestDraftError::Header)?;
    if CONNECTION_FIELDS.contains(&name) {
        return Err(RequestDraftError::ConnectionField(name));
    }
    if CredentialHeaders::is_credential(name.as_str(), value.as_bytes()) {
        return Err(RequestDraftError::Credential(name));
    }
    value.set_sensitive(matches!(name, header::AUTHORIZATION | header::COOKIE | header::PROXY_AUTHORIZATION));
    Ok((name, value))
}

/// Why the command line describes no request.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestDraftError {
    /// The URL cannot be got.
    Url(UrlError),
    /// The method is not one.
    Method,
    /// A header field is not `Name: value`.
    Header,
    /// A header field belongs to the connection, which is not the user's.
    ConnectionField(HeaderName),
    /// A header field is an L402 credential.
    Credential(HeaderName),
    /// A token is given, and its header is set besides.
    TwoCredentials(HeaderName),
    /// Both the token and the body would be standard input.
    OneInput,
    /// The token cannot be read.
    Token(GivenTokenError),
    /// The body cannot be read.
    Body(PayloadError),
}

impl fmt::Display for RequestDraftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("cannot send this request"),
            Self::Method => f.write_str("-X needs a method, such as PUT"),
            Self::Header => f.write_str("-H needs `Name: value`, in printable characters"),
            Self::ConnectionField(name) => write!(f, "-H cannot set `{name}`: it comes from the URL and the body"),
            Self::Credential(name) => {
                write!(
                    f,
                    "-H cannot set an L402 credential in `{name}`; tokens are bought, kept and presented by this command"
                )
            }
            Self::TwoCredentials(name) => write!(f, "--token and -H both set `{name}`"),
            Self::OneInput => f.write_str("--token and -d cannot both read standard input"),
            Self::Token(cause) => cause.fmt(f),
            Self::Body(_) => f.write_str("-d needs a body"),
        }
    }
}

impl core::error::Error for RequestDraftError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Url(cause) => Some(cause),
            Self::Body(cause) => Some(cause),
            Self::Token(cause) => cause.source(),
            _ => None,
        }
    }
}

const CONNECTION_FIELDS: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;
    use std::io::Write;

    fn draft(options: &[&str]) -> Result<Draft, RequestDraftError> {
        let line = ["l402", "get", "http://a/b"].iter().chain(options);
        match Cli::try_parse_from(line).unwrap().command {
            Command::Get(args) => from_args(&args),
            other => panic!("not a get: {other:?}"),
        }
    }

    #[test]
    fn a_body_makes_it_a_post() {
        assert_eq!(draft(&[]).unwrap().method, Method::GET);
        let post = draft(&["-d", "a=b"]).unwrap();
        assert_eq!(post.method, Method::POST);
        assert!(matches!(post.body, Payload::Bytes(bytes) if bytes == "a=b"));
        assert_eq!(draft(&["-d", "x", "-X", "PUT"]).unwrap().method, Method::PUT);
    }

    #[test]
    fn a_body_comes_from_a_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"{\"a\":\n1}").unwrap();
        let at = format!("@{}", file.path().display());
        assert!(matches!(draft(&["-d", &at]).unwrap().body, Payload::File(_)));
        assert!(matches!(draft(&["-d", "@/does/not/exist"]), Err(RequestDraftError::Body(_))));
    }

    #[test]
    fn a_given_field_replaces_the_default() {
        let draft = draft(&["-H", "accept: text/html", "-H", "X-A: 1", "-H", "X-A: 2"]).unwrap();
        assert_eq!(draft.headers.get_all("accept").iter().collect::<Vec<_>>(), ["text/html"]);
        assert_eq!(draft.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn fields_that_are_not_the_users_are_refused() {
        assert!(matches!(draft(&["-H", "Host: b"]), Err(RequestDraftError::ConnectionField(_))));
        assert!(matches!(draft(&["-H", "Authorization: L402 AgEE:00"]), Err(RequestDraftError::Credential(_))));
        assert!(draft(&["-H", "Authorization: Bearer x"]).is_ok());
        for line in ["no colon", "bad name: x", "X: a\nY: b"] {
            assert!(matches!(draft(&["-H", line]), Err(RequestDraftError::Header)), "{line}");
        }
        assert!(matches!(draft(&["-X", "GE T"]), Err(RequestDraftError::Method)));
    }

    #[test]
    fn a_common_method_is_sent_in_capitals() {
        for (given, sent) in
            [("get", "GET"), ("Post", "POST"), ("patch", "PATCH"), ("purge", "purge"), ("PURGE", "PURGE")]
        {
            assert_eq!(draft(&["-X", given]).unwrap().method.as_str(), sent);
        }
    }
}
