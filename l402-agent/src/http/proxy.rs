//! Proxies, as the environment names them and curl reads them.
//!
//! | variable | what goes through it |
//! |---|---|
//! | `http_proxy`, `HTTP_PROXY` | http URLs |
//! | `https_proxy`, `HTTPS_PROXY` | https URLs |
//! | `all_proxy`, `ALL_PROXY` | both, where the two above are not set |
//! | `no_proxy`, `NO_PROXY` | names, addresses and networks that are reached directly; `*` is all of them |
//!
//! 1. The lower-case name goes before the upper-case one; what is empty is not set.
//! 2. `HTTP_PROXY` does not count where `REQUEST_METHOD` is set: in a CGI program, that is a header field of some stranger's.
//! 3. A proxy is `http://`, `https://`, `socks4://`, `socks4a://`, `socks5://` or `socks5h://`; without a scheme it is `http://`. One that
//!    cannot be used is an error: going past it in silence might show somebody what was to be hidden.
//! 4. An https URL is reached through the proxy by `CONNECT`, so that the proxy sees host and port and nothing else, tokens least of all.

use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use http::header::PROXY_AUTHORIZATION;
use http::{Request, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::TcpStream;
use tower_service::Service;

use super::egress::{Egress, Unreachable};
use super::pins::Pins;
use super::wire::Wire;

/// Which URLs are reached through which proxy.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Option<Arc<Matcher>>);

impl Proxies {
    /// Reads the variables of the environment that `look_up` knows.
    ///
    /// # Errors
    /// [`ProxyError`] where one names something that is no proxy.
    ///
    /// ```
    /// use l402_agent::http::proxy::Proxies;
    ///
    /// let variable = |name: &str| (name == "all_proxy").then(|| "socks5://127.0.0.1:9050".to_owned());
    /// assert!(Proxies::from_environment(&variable)?.are_any());
    /// # Ok::<(), l402_agent::http::proxy::ProxyError>(())
    /// ```
    pub fn from_environment(look_up: &dyn Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|&name| look_up(name).filter(|value| !value.is_empty()).map(|value| (name, value)))
        };
        let is_cgi = look_up("REQUEST_METHOD").is_some();
        let http = first(if is_cgi { &["http_proxy"] } else { &["http_proxy", "HTTP_PROXY"] });
        let (https, all) = (first(&["https_proxy", "HTTPS_PROXY"]), first(&["all_proxy", "ALL_PROXY"]));
        for (variable, value) in [&http, &https, &all].into_iter().flatten() {
            is_proxy(value).then_some(()).ok_or(ProxyError { variable })?;
        }
        let none = first(&["no_proxy", "NO_PROXY"]).map(|(_, value)| value).unwrap_or_default();
        let none = none.replace([' ', '\t'], ","); // blanks separate, too
        if (http.is_none() && https.is_none() && all.is_none()) || none.trim_matches(',') == "*" {
            return Ok(Self(None));
        }
        let value = |found: Option<(&str, String)>| found.map(|(_, value)| value).unwrap_or_default();
        let matcher = Matcher::builder().http(value(http)).https(value(https)).all(value(all)).no(none).build();
        Ok(Self(Some(Arc::new(matcher))))
    }

    /// Reads one proxy for all URLs, as curl's `-x` has it: the port is 1080 unless it is said. Nothing at all means no proxy.
    /// `look_up` knows the hosts that are reached directly.
    ///
    /// # Errors
    /// [`ProxyError`] where it is no proxy.
    pub fn given(proxy: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let with_port = with_port(proxy);
        let variable = |name: &str| match name {
            "all_proxy" => Some(with_port.clone()),
            "no_proxy" | "NO_PROXY" => look_up(name),
            _ => None,
        };
        Self::from_environment(&variable).map_err(|_| ProxyError { variable: "--proxy" })
    }

    /// Tells whether any URL is reached through a proxy.
    pub const fn are_any(&self) -> bool {
        self.0.is_some()
    }

    /// Gives the proxy its password, where a request goes to it in the open; a tunnel gets it when it is dug.
    pub(super) fn authorize<B>(&self, request: &mut Request<B>) {
        let Some(proxy) = self.find(request.uri()) else { return };
        let is_spoken_to = request.uri().scheme_str() == Some("http") && is_http(&proxy);
        if let Some(password) = proxy.basic_auth().filter(|_| is_spoken_to) {
            request.headers_mut().entry(PROXY_AUTHORIZATION).or_insert_with(|| password.clone());
        }
    }

    fn find(&self, uri: &Uri) -> Option<Intercept> {
        self.0.as_ref()?.intercept(uri)
    }
}

fn with_port(proxy: &str) -> String {
    let (scheme, rest) = proxy.split_once("://").unwrap_or(("http", proxy));
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    if proxy.is_empty() || has_port || scheme == "https" {
        return proxy.to_owned();
    }
    format!("{scheme}://{authority}:{SOCKS_PORT}")
}

fn is_proxy(value: &str) -> bool {
    let probe = Uri::from_static("http://probe.example/");
    let found = Matcher::builder().http(value).build().intercept(&probe);
    found.is_some_and(|proxy| proxy.uri().host().is_some_and(|host| !host.is_empty()))
}

fn is_http(proxy: &Intercept) -> bool {
    matches!(proxy.uri().scheme_str(), Some("http" | "https"))
}

/// A variable of the environment names no proxy. Its value may hold a password, and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyError {
    /// The variable, or the option.
    pub variable: &'static str,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable } = self;
        if variable.starts_with("--") {
            return write!(f, "{variable} needs a proxy URL, such as http://HOST:PORT or socks5://HOST:PORT");
        }
        write!(
            f,
            "the environment variable {variable} is not a proxy URL, such as http://HOST:PORT or socks5://HOST:PORT"
        )
    }
}

impl core::error::Error for ProxyError {}

/// Connects, to the server itself or to the proxy before it.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    direct: HttpConnector,
    /// Reaches proxies, some of which want TLS themselves.
    to_proxy: HttpsConnector<HttpConnector>,
    proxies: Proxies,
    pins: Pins,
    egress: Egress,
}

impl Connector {
    pub(super) fn new(
        direct: HttpConnector,
        to_proxy: HttpsConnector<HttpConnector>,
        proxies: Proxies,
        (pins, egress): (Pins, Egress),
    ) -> Self {
        Self { direct, to_proxy, proxies, pins, egress }
    }

    async fn through(self, proxy: Intercept, destination: Uri) -> Result<Wire, Unreached> {
        let name = proxy.uri().to_string();
        let connected = connect_through(self.to_proxy, &proxy, destination).await;
        connected.map_err(|cause| Unreached { proxy: name, cause })
    }
}

async fn connect_through(
    mut to_proxy: HttpsConnector<HttpConnector>,
    proxy: &Intercept,
    destination: Uri,
) -> Result<Wire, Cause> {
    let scheme = proxy.uri().scheme_str().unwrap_or_default();
    let is_secret = destination.scheme_str() == Some("https");
    let stream = match scheme {
        "socks4" | "socks4a" => {
            let mut socks = SocksV4::new(socks_address(proxy.uri())?, to_proxy).local_dns(scheme == "socks4");
            socks.call(destination).await?
        }
        "socks5" | "socks5h" => {
            let mut socks = SocksV5::new(socks_address(proxy.uri())?, to_proxy).local_dns(scheme == "socks5");
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            socks.call(destination).await?
        }
        _ if is_secret => {
            let tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
            let password = proxy.basic_auth().cloned();
            let tunnel = password.into_iter().fold(tunnel, Tunnel::with_auth);
            { tunnel }.call(destination).await?
        }
        _ => return Ok(Wire::new(to_proxy.call(proxy.uri().clone()).await?, true)),
    };
    Ok(Wire::new(stream, false))
}

/// Connects to the first of these addresses that can be reached.
async fn connect_to(mut direct: HttpConnector, addresses: &[SocketAddr]) -> Result<TokioIo<TcpStream>, Cause> {
    let mut fault = Cause::from("no address");
    for address in addresses {
        let url = Uri::builder().scheme("http").authority(address.to_string()).path_and_query("/").build()?;
        match direct.call(url).await {
            Ok(stream) => return Ok(stream),
            Err(cause) => fault = cause.into(),
        }
    }
    Err(fault)
}

/// Where a SOCKS proxy is, as a TCP connector takes it.
fn socks_address(proxy: &Uri) -> Result<Uri, http::Error> {
    let (host, port) = (proxy.host().unwrap_or_default(), proxy.port_u16().unwrap_or(SOCKS_PORT));
    Uri::builder().scheme("http").authority(format!("{host}:{port}")).path_and_query("/").build()
}

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<Wire, Cause>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.direct.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        if let Some(proxy) = self.proxies.find(&destination) {
            if self.egress.is_guarded() {
                return Box::pin(async { Err(Unreachable::Proxy.into()) });
            }
            let connecting = self.clone().through(proxy, destination);
            return Box::pin(async move { connecting.await.map_err(Into::into) });
        }
        let (pinned, egress) = (self.pins.of(&destination), self.egress.clone());
        let mut direct = self.direct.clone();
        Box::pin(async move {
            let stream = match egress.addresses(&destination, pinned).await? {
                None => direct.call(destination).await?,
                Some(addresses) => connect_to(direct, &addresses).await?,
            };
            Ok(Wire::new(MaybeHttpsStream::Http(stream), false))
        })
    }
}

type Cause = Box<dyn core::error::Error + Send + Sync>;

/// A server was not reached through a proxy.
#[derive(Debug)]
struct Unreached {
    proxy: String,
    cause: Cause,
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "through the proxy {}", self.proxy)
    }
}

impl core::error::Error for Unreached {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(self.cause.as_ref())
    }
}

/// RFC 1928 §3.
const SOCKS_PORT: u16 = 1080;

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        let find = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        Proxies::from_environment(&find)
    }

    fn proxy_of(variables: &[(&str, &str)], url: &'static str) -> Option<String> {
        proxies(variables).unwrap().find(&Uri::from_static(url)).map(|proxy| proxy.uri().to_string())
    }

    #[test]
    fn the_variables_count_in_both_cases() {
        for (name, url, counts) in [
            ("http_proxy", "http://a.example/", true),
            ("HTTP_PROXY", "http://a.example/", true),
            ("http_proxy", "https://a.example/", false),
            ("https_proxy", "https://a.example/", true),
            ("HTTPS_PROXY", "https://a.example/", true),
            ("HTTPS_PROXY", "http://a.example/", false),
            ("all_proxy", "https://a.example/", true),
            ("ALL_PROXY", "http://a.example/", true),
        ] {
            let proxy = proxy_of(&[(name, "http://p:3128")], url);
            assert_eq!(proxy.as_deref(), counts.then_some("http://p:3128/"), "{name} {url}");
        }
        let both = [("http_proxy", "http://low:1"), ("HTTP_PROXY", "http://up:1"), ("all_proxy", "http://all:1")];
        assert_eq!(proxy_of(&both, "http://a.example/").as_deref(), Some("http://low:1/"));
        assert_eq!(proxy_of(&both, "https://a.example/").as_deref(), Some("http://all:1/"));
        assert_eq!(
            proxy_of(&[("http_proxy", ""), ("HTTP_PROXY", "up:1")], "http://a/").as_deref(),
            Some("http://up:1/")
        );
    }

    #[test]
    fn a_field_of_a_strangers_request_is_no_proxy() {
        let cgi = |name| [(name, "http://p:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(proxy_of(&cgi("HTTP_PROXY"), "http://a/"), None);
        assert_eq!(proxy_of(&cgi("http_proxy"), "http://a/").as_deref(), Some("http://p:1/"));
        assert_eq!(proxy_of(&cgi("HTTPS_PROXY"), "https://a/").as_deref(), Some("http://p:1/"));
    }

    #[test]
    fn what_is_excepted_is_reached_directly() {
        for name in ["no_proxy", "NO_PROXY"] {
            let set = [("all_proxy", "http://p:1"), (name, "localhost, .b.example,10.0.0.0/8,::1")];
            for url in ["http://localhost:8402/", "https://x.b.example/", "http://10.1.2.3/", "http://[::1]:1/"] {
                assert_eq!(proxy_of(&set, url), None, "{url}");
            }
            assert!(proxy_of(&set, "http://notlocalhost/").is_some());
        }
        let by_blanks = [("all_proxy", "http://p:1"), ("no_proxy", "a.example b.example")];
        for (url, is_direct) in [("http://a.example/", true), ("http://b.example/", true), ("http://c.example/", false)]
        {
            assert_eq!(proxy_of(&by_blanks, url).is_none(), is_direct, "{url}");
        }
        assert!(!proxies(&[("all_proxy", "http://p:1"), ("no_proxy", "*")]).unwrap().are_any());
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_its_password() {
        for value in ["ftp://me:CANARY@p:1", "http://", "not a proxy", "/CANARY", "http://\u{fffd}:1"] {
            let fault = proxies(&[("https_proxy", value)]).unwrap_err();
            assert_eq!(fault, ProxyError { variable: "https_proxy" });
            assert!(!fault.to_string().contains("CANARY"));
        }
    }

    #[test]
    fn the_password_goes_to_the_proxy_alone() {
        let set = proxies(&[("all_proxy", "http://me:pw@p:1"), ("no_proxy", "b")]).unwrap();
        for (url, goes) in [("http://a/", true), ("https://a/", false), ("http://b/", false)] {
            let mut request = Request::get(url).body(()).unwrap();
            set.authorize(&mut request);
            assert_eq!(request.headers().contains_key(PROXY_AUTHORIZATION), goes, "{url}");
        }
        assert!(!format!("{set:?}").contains("pw"));
    }
}
