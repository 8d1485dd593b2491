//! The command as a process on a network: proxies, and bodies that are longer than memory would like.

use crate::process::{Machine, text};
use crate::shop::{Shop, tls};
use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A proxy that digs tunnels, and answers what it is asked in the open by itself.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let heads = Arc::clone(&proxy.heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(attend(stream, Arc::clone(&heads)));
            }
        });
        proxy
    }

    /// As `open`, and the way to the proxy itself is TLS; its certificate is added to a PEM file.
    async fn open_tls(pem: &Path) -> Self {
        let (certificate, acceptor) = tls();
        std::fs::OpenOptions::new().append(true).open(pem).unwrap().write_all(certificate.as_bytes()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let heads = Arc::clone(&proxy.heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(attend(acceptor.accept(stream).await.unwrap(), Arc::clone(&heads)));
            }
        });
        proxy
    }

    /// A SOCKS5 proxy (RFC 1928), which writes down where it is sent.
    async fn open_socks() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let heads = Arc::clone(&proxy.heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(attend_socks(stream, Arc::clone(&heads)));
            }
        });
        proxy
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn attend_socks(mut stream: TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).await.unwrap();
    let mut methods = vec![0; greeting[1].into()];
    stream.read_exact(&mut methods).await.unwrap();
    stream.write_all(&[5, 0]).await.unwrap();
    let mut request = [0; 4];
    stream.read_exact(&mut request).await.unwrap();
    let host = match request {
        [5, 1, 0, 1] => Ipv4Addr::from_bits(stream.read_u32().await.unwrap()).to_string(),
        [5, 1, 0, 3] => {
            let mut name = vec![0; stream.read_u8().await.unwrap().into()];
            stream.read_exact(&mut name).await.unwrap();
            String::from_utf8(name).unwrap()
        }
        _ => panic!("not understood: {request:?}"),
    };
    let target = format!("{host}:{}", stream.read_u16().await.unwrap());
    heads.lock().unwrap().push(target.clone());
    let mut server = TcpStream::connect(target).await.unwrap();
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut server).await; // either side may leave
}

async fn attend(stream: impl AsyncRead + AsyncWrite + Unpin, heads: Arc<Mutex<Vec<String>>>) {
    let (mut stream, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap() == 0 {
            return;
        }
    }
    heads.lock().unwrap().push(head.clone());
    let Some(target) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\nby proxy";
        return stream.write_all(answer).await.unwrap();
    };
    let mut server = TcpStream::connect(target).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut server).await; // either side may leave
}

#[tokio::test]
async fn an_https_shop_is_paid_through_a_tunnel_that_sees_nothing() {
    let machine = Machine::new().await;
    let pem = machine.folder.path().join("root.pem");
    let shop = Shop::open_tls(machine.payee.clone(), &pem).await;
    let proxy = Proxy::open().await;
    for (variable, fee) in [("https_proxy", "paid 21 sat"), ("ALL_PROXY", "paid nothing")] {
        let url = shop.url("/weather");
        let mut command = machine.command(&["get", &url, "--cacert", pem.to_str().unwrap()]);
        let output = command.env(variable, format!("http://me:pw@{}", proxy.address)).output().await.unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "GET weather "), "{}", text(&output.stderr));
        assert!(text(&output.stderr).starts_with(fee), "{}", text(&output.stderr));
    }
    let host = shop.url("").trim_start_matches("https://").to_owned();
    for head in proxy.heads() {
        assert!(head.starts_with(&format!("CONNECT {host} HTTP/1.1\r\n")), "{head}");
        assert!(head.contains("Proxy-Authorization: Basic bWU6cHc=\r\n"), "{head}");
        assert!(!head.contains("L402"), "{head}");
    }
    assert_eq!(proxy.heads().len(), 2);
}

#[tokio::test]
async fn a_proxy_may_want_tls_itself_or_speak_socks() {
    let machine = Machine::new().await;
    let pem = machine.folder.path().join("root.pem");
    let shop = Shop::open_tls(machine.payee.clone(), &pem).await;
    let (secret, socks) = (Proxy::open_tls(&pem).await, Proxy::open_socks().await);
    let url = shop.url("/weather");
    for proxy in [format!("https://{}", secret.address), format!("socks5://{}", socks.address)] {
        let mut command = machine.command(&["get", &url, "--cacert", pem.to_str().unwrap()]);
        let output = command.env("all_proxy", &proxy).output().await.unwrap();
        assert_eq!(text(&output.stdout), "GET weather ", "{proxy}: {}", text(&output.stderr));
    }
    let host = url.trim_start_matches("https://").trim_end_matches("/weather");
    assert!(secret.heads().concat().starts_with(&format!("CONNECT {host} HTTP/1.1\r\n")));
    assert_eq!(socks.heads(), [host]);
}

#[tokio::test]
async fn an_http_url_is_asked_of_the_proxy_itself() {
    let machine = Machine::new().await;
    let proxy = Proxy::open().await;
    let via = format!("me:pw@{}", proxy.address);
    let mut command = machine.command(&["get", "http://nowhere.invalid/x?y=1"]);
    let output = command.env("HTTP_PROXY", &via).output().await.unwrap();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "by proxy"), "{}", text(&output.stderr));
    let head = proxy.heads().concat();
    assert!(head.starts_with("GET http://nowhere.invalid/x?y=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic bwu6chc=\r\n"), "{head}");

    let direct = machine.shop.url("/free");
    let mut command = machine.command(&["get", &direct]);
    let output = command.env("http_proxy", &via).env("NO_PROXY", "127.0.0.0/8").output().await.unwrap();
    assert_eq!(text(&output.stdout), "free");
    assert_eq!(proxy.heads().len(), 1);
}

/// Behind SOCKS, the server is spoken to as itself: with a path, not with a whole URL.
#[tokio::test]
async fn an_http_url_goes_through_socks_as_it_is() {
    let machine = Machine::new().await;
    let socks = Proxy::open_socks().await;
    let mut command = machine.command(&["get", &machine.shop.url("/free")]);
    let output = command.env("http_proxy", format!("socks5://{}", socks.address)).output().await.unwrap();
    assert_eq!((text(&output.stdout), machine.shop.last_uri().as_str()), ("free", "/free"), "{}", text(&output.stderr));
    assert_eq!(socks.heads().len(), 1);
}

/// With `socks5h`, the name must not be looked up here.
#[tokio::test]
async fn socks5h_gets_the_name_and_socks5_the_address() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/free").replace("127.0.0.1", "localhost");
    let port = url.rsplit(':').next().unwrap().trim_end_matches("/free").to_owned();
    for (scheme, host) in [("socks5h", "localhost"), ("socks5", "127.0.0.1")] {
        let socks = Proxy::open_socks().await;
        let mut command = machine.command(&["get", &url]);
        let output = command.env("all_proxy", format!("{scheme}://{}", socks.address)).output().await.unwrap();
        assert_eq!(text(&output.stdout), "free", "{}", text(&output.stderr));
        assert_eq!(socks.heads(), [format!("{host}:{port}")], "{scheme}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_none_or_away_is_named() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/free");
    for (value, exit, message) in [
        ("ftp://me:CANARY@p:1", 2, "the environment variable http_proxy is not a proxy URL"),
        (
            "http://me:CANARY@127.0.0.1:1",
            3,
            "cannot connect to the server: through the proxy http://127.0.0.1:1/: tcp connect",
        ),
    ] {
        let output = machine.command(&["get", &url]).env("http_proxy", value).output().await.unwrap();
        assert_eq!(output.status.code(), Some(exit), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("CANARY"));
    }
    assert_eq!(machine.shop.requests(), 0);
}

/// Passed by in silence, it would show the server who asks.
#[cfg(unix)]
#[tokio::test]
async fn a_proxy_that_is_no_text_is_none() {
    use std::os::unix::ffi::OsStrExt;
    let machine = Machine::new().await;
    let value = std::ffi::OsStr::from_bytes(b"http://\xff:1");
    let output = machine.command(&["get", &machine.shop.url("/free")]).env("http_proxy", value).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert_eq!(machine.shop.requests(), 0);
}

/// A server that pauses after each piece of a body, and then answers. It counts the pauses that it has begun.
struct SlowServer {
    url: String,
    pauses: Arc<AtomicU32>,
}

impl SlowServer {
    /// At most a MiB, so that a body has many pieces however fast the machine is.
    const PIECE: usize = 1 << 20;

    async fn open(length: usize, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { url: format!("http://{}/", listener.local_addr().unwrap()), pauses: Arc::default() };
        let pauses = Arc::clone(&server.pauses);
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut piece, mut left) = (vec![0; Self::PIECE], length);
            while left > 0 {
                left = left.saturating_sub(stream.read(&mut piece).await.unwrap());
                pauses.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(pause).await;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            stream.read(&mut piece).await
        });
        server
    }
}

#[tokio::test]
async fn a_server_that_takes_a_long_body_slowly_is_not_silent() {
    const LENGTH: u32 = 64 << 20;
    let machine = Machine::new().await;
    let path = machine.folder.path().join("long");
    std::fs::File::create(&path).unwrap().set_len(LENGTH.into()).unwrap();
    let data = format!("@{}", path.display());
    for (pause, exit, message) in [(50, 0, ""), (5_000, 3, "no response within 1s")] {
        let pause = Duration::from_millis(pause);
        let server = SlowServer::open(LENGTH as usize, pause).await;
        let output = machine.run(&["get", &server.url, "--data-binary", &data, "--timeout", "1"]).await;
        assert_eq!(output.status.code(), Some(exit), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
        let slept = pause * server.pauses.load(Ordering::SeqCst);
        assert!(slept > Duration::from_secs(1), "long enough to be cut: {slept:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_long_file_is_sent_twice_and_never_in_memory() {
    const LENGTH: u64 = 64 << 20;
    let machine = Machine::new().await;
    let path = machine.folder.path().join("long");
    std::fs::File::create(&path).unwrap().set_len(LENGTH).unwrap();
    let out = machine.folder.path().join("out");
    let (url, data) = (machine.shop.url("/poems"), format!("@{}", path.display()));
    let mut child = machine.start(&["get", &url, "--data-binary", &data, "-o", out.to_str().unwrap()]);
    let status = format!("/proc/{}/status", child.id().unwrap());
    let mut peak_kib = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak_kib = line.map_or(peak_kib, |line| line.trim().trim_end_matches(" kB").parse().unwrap());
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    assert_eq!(ended.code(), Some(0));
    assert_eq!(machine.shop.last("content-length"), LENGTH.to_string());
    assert_eq!(machine.wallet.payments_sent(), 1);
    assert!(0 < peak_kib && peak_kib * 1024 < LENGTH, "{peak_kib} KiB for a body of {LENGTH} bytes");
}
