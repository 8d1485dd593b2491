//! The real curl as the judge: for the same command line, the server must see the same request, and the output must be the same bytes.
//!
//! What differs on purpose is left out of the comparison, and stands in `docs/client.md`.

use crate::process::{Machine, text};
use bytes::Bytes;
use http::Request;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

/// What a server saw of a request.
type Seen = (String, String, Vec<(String, String)>, Bytes);

/// Headers that differ on purpose: who asks, and what L402 adds. curl waits for a `100 Continue` where the body is long.
const OWN: [&str; 4] = ["accept-authenticate", "idempotency-key", "expect", "host"];

fn seen(request: &Request<Bytes>, keeps: &[&str]) -> Seen {
    let left_out = |name: &str| OWN.contains(&name) || (name == "user-agent" && !keeps.contains(&"-A"));
    let headers = request.headers().iter().filter(|(name, _)| !left_out(name.as_str()));
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    let mut body = request.body().clone();
    let boundary = headers.iter().find_map(|(_, value)| value.split_once("boundary=").map(|(_, it)| it.to_owned()));
    if let Some(boundary) = boundary {
        for (_, value) in &mut headers {
            *value = value.replace(&boundary, "BOUNDARY");
        }
        body = String::from_utf8(body.to_vec()).unwrap().replace(&boundary, "BOUNDARY").into();
    }
    (request.method().to_string(), request.uri().to_string(), headers, body)
}

async fn run(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writing = tokio::spawn(async move { stdin.write_all(&input).await }); // it may not want it
    let output = child.wait_with_output().await.unwrap();
    let _ = writing.await;
    output
}

fn curl(machine: &Machine, args: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.arg("-q").args(args).env_clear().env("HOME", machine.folder.path()).current_dir(machine.folder.path());
    command
}

fn l402(machine: &Machine, args: &[&str]) -> Command {
    let mut command = machine.command(args);
    command.current_dir(machine.folder.path());
    command
}

/// What differs in the command line: curl's name of an option that has another meaning here.
fn for_curl<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().map(|arg| if *arg == "--json-data" { "--json" } else { *arg }).collect()
}

fn files(machine: &Machine) {
    let path = |name: &str| machine.folder.path().join(name);
    std::fs::write(path("text"), "a=1\r\nb=2\n\nc d&e").unwrap();
    std::fs::write(path("page.html"), "<p>\r\n").unwrap();
    std::fs::write(path("long.bin"), "x".repeat(3_000_000)).unwrap();
    std::fs::write(path("headers"), "X-One: 1\r\nX-Two: 2\n").unwrap();
}

const REQUESTS: &[&[&str]] = &[
    &[],
    &["-X", "PUT", "-d", "a=b"],
    &["-X", "DELETE"],
    &["-X", "POST"],
    &["-d", ""],
    &["-d", "a=1", "-d", "b", "-d", ""],
    &["-d", "@text"],
    &["-d", "a", "-d", "@text", "--data-binary", "@text", "--data-raw", "@text"],
    &["--data-binary", "@text"],
    &["--data-binary", "@long.bin"],
    &["--data-raw", "@text"],
    &["-d", "@-"],
    &["--data-binary", "@-"],
    &["--data-urlencode", "a b&c/\u{e9}~-._"],
    &["--data-urlencode", "=x y"],
    &["--data-urlencode", "n=x y+z"],
    &["--data-urlencode", "@text"],
    &["--data-urlencode", "n@text", "-d", "m=1"],
    &["--json-data", "{\"a\":", "--json-data", "1}"],
    &["--json-data", "@text", "-H", "Accept: text/plain"],
    &["-G", "-d", "a=b", "-d", "c"],
    &["-G", "--data-urlencode", "q=a b"],
    &["-F", "a=b", "-F", "f=@page.html", "-F", "g=@text;type=x/y;filename=\"q\\\"z;\"", "-F", "h=<text"],
    &["-F", "a=b;type=text/html", "-F", "name with \"quote=c", "-F", "f=@-"],
    &["-H", "X-A: 1", "-H", "X-A: 2", "-H", "X-B:  spaced  "],
    &["-H", "Accept:", "-H", "X-Empty;"],
    &["-H", "Accept: text/html", "-d", "a", "-H", "Content-Type: text/plain"],
    &["-d", "a", "-H", "Content-Type:"],
    &["-H", "@headers"],
    &["-A", "somebody/1"],
    &["-A", ""],
    &["-b", "a=1; b=2"],
    &["-b", "a=1", "-b", "b=2"],
    &["-r", "0-4"],
    &["-r", "-5"],
    &["-r", "7"],
    &["-u", "me:p:w"],
    &["-I"],
    &["-I", "-G", "-d", "a=b"],
    &["-X", "OPTIONS", "-i"],
];

#[tokio::test]
#[ignore = "needs curl: just curl"]
async fn the_server_sees_what_curl_sends() {
    let machine = Machine::new().await;
    files(&machine);
    let mut wrong = Vec::new();
    for options in REQUESTS {
        for url in [machine.shop.url("/free"), machine.shop.url("/free?x=1#part")] {
            let input = [b"from\r\nstdin\n".repeat(200_000), vec![0]].concat();
            let input = if options.contains(&"-F") { b"few".to_vec() } else { input };
            let args = [&["-s"], *options, &[url.as_str()]].concat();
            let theirs = run(curl(&machine, &for_curl(&args)), &input).await;
            let expected = seen(machine.shop.seen().last().unwrap(), options);
            let ours = run(l402(&machine, &args), &input).await;
            let found = seen(machine.shop.seen().last().unwrap(), options);
            if found != expected {
                let short = |(method, uri, headers, body): &Seen| {
                    format!("{method} {uri} {headers:?} {} {:?}", body.len(), &body[..body.len().min(400)])
                };
                wrong.push(format!("{options:?}\n  curl {}\n  l402 {}", short(&expected), short(&found)));
            }
            if (ours.status.code(), &ours.stdout) != (theirs.status.code(), &theirs.stdout) {
                let shown = |output: &Output| {
                    format!("{:?} {:?}", output.status.code(), String::from_utf8_lossy(&output.stdout))
                };
                wrong.push(format!("{options:?}\n  curl {}\n  l402 {}", shown(&theirs), shown(&ours)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The request that is served is the one that curl sends with the same token.
#[tokio::test]
#[ignore = "needs curl: just curl"]
async fn what_is_paid_for_is_sent_as_curl_sends_it() {
    let machine = Machine::new().await;
    files(&machine);
    for options in [
        &[][..],
        &["-d", "a=1", "--data-binary", "@text"],
        &["--data-binary", "@long.bin"],
        &["--data-binary", "@-"],
        &["-F", "a=b", "-F", "f=@page.html"],
        &["-G", "-d", "a=b"],
        &["-X", "PATCH", "--json-data", "{}"],
        &["-r", "0-4", "-b", "a=1"],
    ] {
        let url = machine.shop.url("/poems");
        let input = b"line\r\n".repeat(300_000);
        let args = [&["-s"], options, &[url.as_str()]].concat();
        let ours = run(l402(&machine, &args), &input).await;
        assert_eq!(ours.status.code(), Some(0), "{options:?}: {}", text(&ours.stderr));
        let found = seen(machine.shop.seen().last().unwrap(), options);
        let token = format!("Authorization: {}", machine.shop.last("authorization"));
        let theirs = run(curl(&machine, &for_curl(&[&args[..], &["-H", &token]].concat())), &input).await;
        assert_eq!(found, seen(machine.shop.seen().last().unwrap(), options), "{options:?}");
        let is_echo = options.contains(&"-F"); // with the boundary, which is random
        assert!(is_echo || ours.stdout == theirs.stdout, "{options:?}");
        assert!(!ours.stdout.is_empty(), "{options:?}");
    }
    assert_eq!(machine.wallet.payments_sent(), 1, "the shop sells for every method");
}

/// With `-X`, curl repeats the method along redirects whatever their status says; here the status decides.
#[tokio::test]
#[ignore = "needs curl: just curl"]
async fn redirects_change_the_method_as_they_do_for_curl() {
    let machine = Machine::new().await;
    files(&machine);
    let server = Scripted::open().await;
    let mut wrong = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        for options in [&[][..], &["-d", "a=1"], &["--data-binary", "@long.bin"], &["-I"], &["-F", "a=b"], &["-i"]] {
            let url = format!("{}/to/{status}", server.url);
            let args = [&["-sL"], options, &[url.as_str()]].concat();
            let theirs = run(curl(&machine, &args), b"").await;
            let expected = server.take();
            let ours = run(l402(&machine, &args), b"").await;
            let found = server.take();
            if found != expected || ours.stdout != theirs.stdout {
                let shown = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
                wrong.push(format!(
                    "{status} {options:?}\n{expected:?}\n{found:?}\n{}\n{}",
                    shown(&theirs),
                    shown(&ours)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
#[ignore = "needs curl: just curl"]
async fn outputs_are_the_same_bytes() {
    let machine = Machine::new().await;
    let server = Scripted::open().await;
    let mut wrong = Vec::new();
    for (path, options) in [
        ("/odd", &[][..]),
        ("/odd", &["-i"]),
        ("/odd", &["-I"]),
        ("/odd", &["-i", "-o", "out"]),
        ("/odd", &["-o", "out"]),
        ("/odd", &["-O"]),
        ("/odd?x", &["-O", "-i"]),
        ("/odd", &["-D", "out"]),
        ("/odd", &["-D", "-"]),
        ("/odd", &["-D", "heads", "-o", "out"]),
        ("/continue", &["-i"]),
        ("/to/302", &["-L", "-D", "out"]),
        ("/gzip", &["--compressed"]),
        ("/gzip", &["--compressed", "-i"]),
        ("/gzip", &[]),
        ("/none", &["-i"]),
    ] {
        let url = format!("{}{path}", server.url);
        let args = [&["-s"], options, &[url.as_str()]].concat();
        let mut found = Vec::new();
        for command in [curl(&machine, &args), l402(&machine, &args)] {
            let names = ["out", "heads", "odd"].map(|name| machine.folder.path().join(name));
            for name in &names {
                let _ = std::fs::remove_file(name); // of the command before
            }
            let output = run(command, b"").await;
            found.push((output.status.code(), output.stdout, names.map(|name| std::fs::read(name).ok())));
        }
        if found[0] != found[1] {
            wrong.push(format!("{path} {options:?}\n  curl {:?}\n  l402 {:?}", found[0], found[1]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Exit codes have their own meaning here; what is success for one is success for the other, but for a status of 400 or more.
#[tokio::test]
#[ignore = "needs curl: just curl"]
async fn failures_of_curl_are_failures_here() {
    let machine = Machine::new().await;
    let server = Scripted::open().await;
    let folder = machine.folder.path().to_str().unwrap();
    for (path, options, theirs, ours) in [
        ("/404", &["-f"][..], 22, 4),
        ("/404", &[], 0, 4),
        ("/odd", &["-o", folder], 23, 1),
        ("/odd", &["-o", "/dev/full"], 23, 1),
        ("/", &["-O"], 23, 2),
        ("/hang", &["-m", "0.3"], 28, 3),
        ("/odd", &["--resolve", "nonsense"], 49, 2),
        ("/gone", &[], 52, 3),
        ("/odd", &["-x", "http://127.0.0.1:1"], 7, 3),
    ] {
        let url = format!("{}{path}", server.url);
        let args = [&["-s"], options, &[url.as_str()]].concat();
        let (curl, l402) = (run(curl(&machine, &args), b"").await, run(l402(&machine, &args), b"").await);
        assert_eq!((curl.status.code(), l402.status.code()), (Some(theirs), Some(ours)), "{path} {options:?}");
        if path == "/404" {
            assert_eq!(curl.stdout, l402.stdout, "{options:?}");
        }
    }
}

/// A server that writes its heads as no library would, and notes what it is asked.
struct Scripted {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { url: format!("http://{}", listener.local_addr().unwrap()), asked: Arc::default() };
        let asked = Arc::clone(&server.asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let asked = Arc::clone(&asked);
                tokio::spawn(async move {
                    while let Some(request) = read(&mut stream).await {
                        let path = request.split(' ').nth(1).unwrap().to_owned();
                        let is_head = request.starts_with("HEAD");
                        asked.lock().unwrap().push(request);
                        if path.starts_with("/hang") {
                            core::future::pending::<()>().await;
                        }
                        let Some((head, body)) = answer(path.split('?').next().unwrap()) else { return };
                        let body = if is_head { Vec::new() } else { body };
                        if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        server
    }

    /// Returns method, path and length of the body of each request since the last time.
    fn take(&self) -> Vec<String> {
        core::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// Reads a request: its method, its path, its type and the length of its body.
async fn read(stream: &mut tokio::net::TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let field = |name: &str| {
        let is_it = |line: &&str| line.to_ascii_lowercase().starts_with(name);
        head.lines().find(is_it).map(|line| line[name.len()..].trim().to_owned())
    };
    if field("expect:").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    let length: usize = field("content-length:").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let kind = field("content-type:").unwrap_or_default().split(';').next().unwrap().to_owned();
    let request: Vec<&str> = head.split(' ').take(2).collect();
    Some(format!("{} {kind} {length}", request.join(" ")))
}

/// Every odd thing that a head may have: cases, blanks, names that come twice, bytes that are no text.
fn answer(path: &str) -> Option<(String, Vec<u8>)> {
    let body = b"\0\x1b[2J\xff body\r\n".to_vec();
    let with = |head: &str, body: Vec<u8>| Some((format!("{head}Content-LENGTH: {}\r\n\r\n", body.len()), body));
    match path {
        "/odd" => with("HTTP/1.1 200 Very  Fine\r\nX-CasE:a  b \r\nx-case: \t second\r\nSet-Cookie: \r\n", body),
        "/continue" => with("HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200\r\nX: y\r\n", body),
        "/gzip" => with("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", GZIP.to_vec()),
        "/none" => Some(("HTTP/1.1 204 Nothing\r\nX: y\r\n\r\n".to_owned(), Vec::new())),
        "/404" => with("HTTP/1.1 404 Gone Fishing\r\n", body),
        "/gone" => None,
        path => match path.strip_prefix("/to/") {
            Some(status) => with(&format!("HTTP/1.1 {status} There\r\nLocation: /odd\r\n"), b"elsewhere".to_vec()),
            None => with("HTTP/1.1 200 OK\r\n", body),
        },
    }
}

/// `hello` in gzip.
const GZIP: &[u8] =
    &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0];
