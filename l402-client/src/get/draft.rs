//! The request that the command line describes.

use super::body::{Body, BodyError};
use super::fields::{self, FieldError, Fields};
use super::form;
use crate::cli::{DataKind, GetArgs, RequestArgs};
use crate::get::given::{self, GivenTokenError};
use core::fmt;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use l402_agent::http::draft::Draft;
use l402_agent::http::url::{self, UrlError};
use l402_http::pay::TokenField;

/// A request, and the header that is left for the token.
#[derive(Debug)]
pub struct Asked {
    /// The request.
    pub draft: Draft,
    /// The header for the token: another one than that of a login.
    pub field: TokenField,
}

/// Reads the request off the command line, and its body from where `-d` says.
///
/// # Errors
/// [`RequestDraftError`].
pub fn from_args(args: &GetArgs) -> Result<Asked, RequestDraftError> {
    let request = &args.request;
    let fields = Fields::read(request).map_err(RequestDraftError::Field)?; // before the body, which may be standard input
    let token = given_token(args, &fields.set)?;
    let mut body = read_body(request).map_err(RequestDraftError::Body)?;
    let mut uri = args.url.clone();
    if request.get
        && let Some(data) = body.take()
    {
        uri = with_query(&uri, &data.into_query().map_err(RequestDraftError::Body)?)?;
    }
    let uri = url::parse(&uri).map_err(RequestDraftError::Url)?;
    let method = method(request, body.is_some())?;
    let content_type = body.as_ref().map(|body| body.content_type.as_str());
    let usual = fields::usual(request, content_type, request.data.has(DataKind::Json));
    let mut headers = fields.over(usual.map_err(RequestDraftError::Field)?);
    if args.output.compressed {
        headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("deflate, gzip"));
    }
    let field = args.pay.token_field.map_or_else(|| free_field(&headers), TokenField::from);
    if let Some(value) = token.map(|token| token.value(field)).transpose().map_err(RequestDraftError::Token)? {
        if !field.is_free(&headers) {
            return Err(RequestDraftError::TwoCredentials(field.name()));
        }
        headers.insert(field.name(), value);
    }
    if body.as_ref().is_some_and(|body| body.payload.is_empty()) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let payload = body.map(|body| body.payload).unwrap_or_default();
    Ok(Asked { draft: Draft { method, uri, headers, body: payload, is_repeated: false }, field })
}

fn read_body(args: &RequestArgs) -> Result<Option<Body>, BodyError> {
    if args.form.is_empty() { Body::read(args) } else { form::read(&args.form).map(Some) }
}

/// A login stays where it is, and the token goes beside it.
fn free_field(headers: &HeaderMap) -> TokenField {
    if TokenField::Authorization.is_free(headers) { TokenField::Authorization } else { TokenField::Macaroon }
}

fn given_token(args: &GetArgs, given: &HeaderMap) -> Result<Option<given::GivenToken>, RequestDraftError> {
    let Some(source) = &args.pay.token else { return Ok(None) };
    if let Some(field) = args.pay.token_field.map(TokenField::from).filter(|field| !field.is_free(given)) {
        return Err(RequestDraftError::TwoCredentials(field.name()));
    }
    if source == "-" && args.request.data.all().iter().any(|data| data.value == "@-") {
        return Err(RequestDraftError::OneInput);
    }
    given::read(source).map(Some).map_err(RequestDraftError::Token)
}

/// Reads a method. Names are case-sensitive, and no server knows `get`: what is common is meant, as in Fetch §2.2.1.
fn method(args: &RequestArgs, has_body: bool) -> Result<Method, RequestDraftError> {
    let Some(name) = &args.method else {
        return match (args.head, has_body) {
            (true, true) => Err(RequestDraftError::HeadWithBody),
            (true, false) => Ok(Method::HEAD),
            (false, true) => Ok(Method::POST),
            (false, false) => Ok(Method::GET),
        };
    };
    let common = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    let name = common.into_iter().find(|common| name.eq_ignore_ascii_case(common)).unwrap_or(name);
    name.parse().map_err(|_| RequestDraftError::Method)
}

/// Adds data to the query of a URL.
fn with_query(url: &str, data: &[u8]) -> Result<String, RequestDraftError> {
    let data = core::str::from_utf8(data).map_err(|_| RequestDraftError::Url(UrlError::Syntax))?;
    let url = url.split('#').next().unwrap_or_default();
    let between = match url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    Ok(format!("{url}{between}{data}"))
}

/// The name that ends the path of a URL, for `-O`.
pub(super) fn remote_name(uri: &Uri) -> Option<&str> {
    uri.path().rsplit('/').next().filter(|name| !matches!(*name, "" | "." | ".."))
}

/// Why the command line describes no request.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestDraftError {
    /// The URL cannot be got.
    Url(UrlError),
    /// The method is not one.
    Method,
    /// A body with `-I`.
    HeadWithBody,
    /// A header cannot be sent.
    Field(FieldError),
    /// A token is given, and its header is set besides.
    TwoCredentials(HeaderName),
    /// Both the token and the body would be standard input.
    OneInput,
    /// The token cannot be read.
    Token(GivenTokenError),
    /// The body cannot be read.
    Body(BodyError),
}

impl fmt::Display for RequestDraftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("cannot send this request"),
            Self::Method => f.write_str("-X needs a method, such as PUT"),
            Self::HeadWithBody => f.write_str("-I sends no body; with -G, the data goes into the query"),
            Self::Field(cause) => cause.fmt(f),
            Self::TwoCredentials(name) => write!(f, "--token and -H both set `{name}`"),
            Self::OneInput => f.write_str("--token and -d cannot both read standard input"),
            Self::Token(cause) => cause.fmt(f),
            Self::Body(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for RequestDraftError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Url(cause) => Some(cause),
            Self::Field(cause) => cause.source(),
            Self::Body(cause) => cause.source(),
            Self::Token(cause) => cause.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;
    use l402_agent::http::payload::Payload;
    use std::io::Write;

    fn asked(options: &[&str]) -> Result<Asked, RequestDraftError> {
        let line = ["l402", "get", "http://a/b"].iter().chain(options);
        match Cli::try_parse_from(line).unwrap().command {
            Command::Get(args) => from_args(&args),
            other => panic!("not a get: {other:?}"),
        }
    }

    fn draft(options: &[&str]) -> Result<Draft, RequestDraftError> {
        asked(options).map(|asked| asked.draft)
    }

    #[test]
    fn a_body_makes_it_a_post() {
        assert_eq!(draft(&[]).unwrap().method, Method::GET);
        let post = draft(&["-d", "a=b"]).unwrap();
        assert_eq!(post.method, Method::POST);
        assert!(matches!(post.body, Payload::Bytes(bytes) if bytes == "a=b"));
        assert_eq!(draft(&["-d", "x", "-X", "PUT"]).unwrap().method, Method::PUT);
        assert!(matches!(draft(&["-d", "x", "-I"]), Err(RequestDraftError::HeadWithBody)));
    }

    #[test]
    fn a_body_comes_from_a_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"{\"a\":\r\n1}").unwrap();
        let at = format!("@{}", file.path().display());
        assert!(matches!(draft(&["--data-binary", &at]).unwrap().body, Payload::File(_)));
        assert!(matches!(draft(&["-d", &at]).unwrap().body, Payload::Bytes(bytes) if bytes == "{\"a\":1}"));
        assert!(matches!(draft(&["-d", "@/does/not/exist"]), Err(RequestDraftError::Body(_))));
    }

    #[test]
    fn a_given_field_replaces_the_default() {
        let draft = draft(&["-H", "accept: text/html", "-H", "X-A: 1", "-H", "X-A: 2", "-H", "User-Agent:"]).unwrap();
        assert_eq!(draft.headers.get_all("accept").iter().collect::<Vec<_>>(), ["text/html"]);
        assert_eq!(draft.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert!(!draft.headers.contains_key("user-agent"));
    }

    #[test]
    fn fields_that_are_not_the_users_are_refused() {
        let refused = |line| match draft(&["-H", line]) {
            Err(RequestDraftError::Field(fault)) => Some(fault),
            _ => None,
        };
        assert!(matches!(refused("Host: b"), Some(FieldError::Connection(_))));
        assert!(matches!(refused("Authorization: L402 AgEE:00"), Some(FieldError::Credential(_))));
        assert!(refused("Authorization: Bearer x").is_none());
        for line in ["no colon", "bad name: x", "X: a\nY: b", "X; a"] {
            assert!(matches!(refused(line), Some(FieldError::Form)), "{line}");
        }
        assert!(matches!(draft(&["-X", "GE T"]), Err(RequestDraftError::Method)));
    }

    #[test]
    fn a_login_leaves_another_header_to_the_token() {
        for (options, field) in [
            (&[][..], TokenField::Authorization),
            (&["-u", "me:pw"], TokenField::Macaroon),
            (&["-H", "Authorization: Bearer x"], TokenField::Macaroon),
            (&["-u", "me:pw", "--token-field", "authorization"], TokenField::Authorization),
        ] {
            assert_eq!(asked(options).unwrap().field, field, "{options:?}");
        }
        let login = draft(&["-u", "me:pw"]).unwrap();
        assert_eq!(login.headers["authorization"], "Basic bWU6cHc=");
        assert!(login.headers["authorization"].is_sensitive());
        assert!(matches!(draft(&["-u", "me"]), Err(RequestDraftError::Field(FieldError::Login))));
    }

    #[test]
    fn a_common_method_is_sent_in_capitals() {
        for (given, sent) in
            [("get", "GET"), ("Post", "POST"), ("patch", "PATCH"), ("purge", "purge"), ("PURGE", "PURGE")]
        {
            assert_eq!(draft(&["-X", given]).unwrap().method.as_str(), sent);
        }
    }

    #[test]
    fn the_name_of_a_file_ends_the_path() {
        for (url, name) in [
            ("http://a/b/c.png?d=/e", Some("c.png")),
            ("http://a/", None),
            ("http://a/b/", None),
            ("http://a/..", None),
            ("http://a/b/.", None),
        ] {
            assert_eq!(remote_name(&url.parse().unwrap()), name, "{url}");
        }
    }
}
