//! Options of `l402 get` that curl has too, where more is at stake than what the server sees.

use crate::process::{Machine, text};
use crate::shop::{Failure, Shop};
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

async fn with_input(machine: &Machine, args: &[&str], input: &[u8]) -> Output {
    let mut child = machine.command(args).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).await.unwrap();
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn in_folder(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_url_alone_is_got() {
    let machine = Machine::new().await;
    let output = machine.run(&["-sS", &machine.shop.url("/weather")]).await;
    assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), (Some(0), "GET weather ", ""));
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn what_can_be_read_once_is_sent_twice() {
    let machine = Machine::new().await;
    let input = b"roses\n".repeat(400_000);
    let output = with_input(&machine, &["--data-binary", "@-", &machine.shop.url("/poems")], &input).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let bodies: Vec<_> = machine.shop.seen().into_iter().map(http::Request::into_body).collect();
    assert!(bodies.len() == 2 && bodies.iter().all(|body| *body == input));

    let pipe = in_folder(machine.folder.path(), "pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, b"violets\n".repeat(300_000))
    });
    let output = machine.run(&["-d", &format!("@{pipe}"), &machine.shop.url("/more-poems")]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    writer.join().unwrap().unwrap();
    let bodies: Vec<_> = machine.shop.seen().into_iter().skip(2).map(http::Request::into_body).collect();
    assert!(bodies.len() == 2 && bodies.iter().all(|body| *body == b"violets".repeat(300_000)));
}

#[tokio::test]
async fn nothing_is_paid_for_what_cannot_be_written() {
    let machine = Machine::new().await;
    let folder = machine.folder.path().to_str().unwrap();
    for options in [&["-o", folder][..], &["-D", folder], &["-o", "/does/not/exist"], &["-O"]] {
        let url = if options == ["-O"] { machine.shop.url("/") } else { machine.shop.url("/weather") };
        let output = machine.run(&[options, &[&url]].concat()).await;
        assert!(matches!(output.status.code(), Some(1 | 2)), "{options:?} {}", text(&output.stderr));
    }
    assert_eq!((machine.wallet.payments_sent(), machine.shop.requests()), (0, 0));
    let full = machine.run(&["-o", "/dev/full", &machine.shop.url("/weather")]).await;
    assert_eq!(full.status.code(), Some(1));
    assert!(text(&full.stderr).contains("cannot write /dev/full: No space left"), "{}", text(&full.stderr));
    let again = machine.run(&[&machine.shop.url("/weather")]).await;
    assert_eq!((text(&again.stdout), machine.wallet.payments_sent()), ("GET weather ", 1), "the token is kept");
}

/// The token goes beside the login.
#[tokio::test]
async fn a_login_and_a_token_have_a_header_each() {
    let machine = Machine::new().await;
    for (options, login) in [(&["-u", "me:pw"][..], "Basic bWU6cHc="), (&["-H", "Authorization: Bearer x"], "Bearer x")]
    {
        let output = machine.run(&[options, &[&machine.shop.url("/weather")]].concat()).await;
        assert_eq!(text(&output.stdout), "GET weather ", "{}", text(&output.stderr));
        assert_eq!(machine.shop.last("authorization"), login);
        assert!(!machine.shop.last("macaroon").is_empty());
    }
    assert_eq!(machine.wallet.payments_sent(), 1);
    let own = ["-u", "me:pw", "--token-field", "authorization", &machine.shop.url("/poems")];
    let output = machine.run(&own).await;
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("the server asks for 21 sat"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a6_who_may_be_somebody_else_gets_no_kept_token_and_leaves_none() {
    let machine = Machine::new().await;
    let pem = machine.folder.path().join("root.pem");
    let shop = Shop::open_tls(machine.payee.clone(), &pem).await;
    let (url, cacert) = (shop.url("/weather"), ["--cacert", pem.to_str().unwrap()]);
    let refused = machine.run(&[&url]).await;
    assert_eq!((refused.status.code(), shop.requests()), (Some(3), 0), "{}", text(&refused.stderr));
    assert_eq!(machine.run(&[&cacert[..], &[&url]].concat()).await.status.code(), Some(0));
    let kept = shop.last("authorization");

    let host = url.trim_start_matches("https://").split('/').next().unwrap();
    let pin = format!("{host}:127.0.0.1");
    let pinned = [&cacert[..], &["--resolve", &pin]].concat();
    for (paid, options) in [(2, &["-k"][..]), (3, &pinned)] {
        let before = shop.requests();
        let output = machine.run(&[options, &[&url]].concat()).await;
        assert_eq!(text(&output.stdout), "GET weather ", "{options:?} {}", text(&output.stderr));
        let shown = shop.credentials().split_off(before);
        assert!(shown[0].is_empty() && !shown.contains(&kept), "{options:?} {shown:?}");
        assert_eq!(machine.wallet.payments_sent(), paid);
        let listed = machine.run(&["tokens", "list"]).await;
        assert_eq!(text(&listed.stdout).lines().count(), 1, "{options:?}");
    }
    let after = machine.run(&[&cacert[..], &[&url]].concat()).await;
    assert_eq!((text(&after.stdout), shop.last("authorization")), ("GET weather ", kept));
}

#[tokio::test]
async fn a6_a_name_is_reached_where_the_user_says() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/free").replace("127.0.0.1", "shop.invalid");
    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
    let pin = format!("shop.invalid:{port}:127.0.0.1");
    let output = machine.run(&["--resolve", &pin, &url]).await;
    assert_eq!(text(&output.stdout), "free", "{}", text(&output.stderr));
    assert_eq!(machine.shop.last("host"), format!("shop.invalid:{port}"));
}

#[tokio::test]
async fn h2_what_is_told_of_a_request_holds_no_secret() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    let own = ["-H", "Cookie: CANARY1", "-H", "Proxy-Authorization: CANARY2", "-b", "a=CANARY3"];
    let mut told = String::new();
    for options in [&["-v"][..], &["-v"], &["-v", "--json"], &["-v", "-u", "me:CANARY4"]] {
        let output = machine.run(&[&own[..], options, &[&url]].concat()).await;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        told += text(&output.stderr);
    }
    assert!(told.contains("> GET /weather\n") && told.contains("< HTTP/1.1 402 Payment Required\n"), "{told}");
    assert!(told.contains("> authorization: <"), "{told}");
    let kept = l402_agent::store::tokens::Tokens::new(machine.database()).all().unwrap().remove(0);
    let secrets = [kept.preimage.to_hex().expose(), &kept.token, "CANARY", "bWU6"].map(str::to_owned);
    for secret in secrets {
        assert!(!told.contains(&secret), "{secret} in {told}");
    }
}

#[tokio::test]
async fn a9_a_repetition_buys_nothing() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    let retry = ["--retry", "3", "--retry-delay", "0.05"];
    machine.shop.fail_next_sale(Failure::Status503);
    let output = machine.run(&[&retry[..], &[&url]].concat()).await;
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "GET weather "), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("status 503 Service Unavailable; repeating in 50ms"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(machine.wallet.payments_sent(), 1);

    let down = machine.run(&[&retry[..], &[&machine.shop.url("/down")]].concat()).await;
    assert_eq!(down.status.code(), Some(4));
    let requests = machine.shop.requests();
    let posted = machine.run(&[&retry[..], &["-d", "a", &machine.shop.url("/down")]].concat()).await;
    assert_eq!((posted.status.code(), machine.shop.requests() - requests), (Some(4), 1), "it may have had its effect");
    let keyed = ["-d", "a", "-H", "Idempotency-Key: mine", &machine.shop.url("/down")];
    machine.run(&[&retry[..], &keyed].concat()).await;
    assert_eq!(machine.shop.requests() - requests, 5);
    assert_eq!(machine.wallet.payments_sent(), 1);
}

/// The first attempt finds nobody, and the second a shop that asks for a payment.
#[tokio::test]
async fn a9_what_was_not_bought_before_is_not_bought_by_a_repetition() {
    let machine = Machine::new().await;
    let shop = Shop::open(machine.payee.clone()).await;
    let target = shop.url("").trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/weather", listener.local_addr().unwrap());
    tokio::spawn(async move {
        drop(listener.accept().await.unwrap()); // the first one breaks
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut server = tokio::net::TcpStream::connect(&target).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
        }
    });
    let output = machine.run(&["--retry", "2", "--retry-delay", "0.05", &url]).await;
    assert_eq!((output.status.code(), machine.wallet.payments_sent()), (Some(4), 0), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("a repetition buys nothing; run the command again"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(text(&machine.run(&[&url]).await.stdout), "GET weather ");
}

#[tokio::test]
async fn a4_the_end_of_its_time_loses_no_payment() {
    let machine = Machine::new().await;
    let hung = machine.run(&["-m", "0.2", &machine.shop.url("/hang")]).await;
    assert_eq!(hung.status.code(), Some(3), "{}", text(&hung.stderr));
    let till = machine.sandbox.hold().await;
    let url = machine.shop.url("/weather");
    let cut = machine.run(&["-m", "1", &url]).await;
    assert_eq!(cut.status.code(), Some(8), "{}", text(&cut.stderr));
    assert!(
        text(&cut.stderr).contains("a payment may be under way; run the same command again"),
        "{}",
        text(&cut.stderr)
    );
    drop(till);
    let found = machine.run(&[&url]).await;
    assert_eq!(text(&found.stdout), "GET weather ", "{}", text(&found.stderr));
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn silence_is_as_deep_as_it_was_asked_for() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/dear");
    for (options, said) in [(&["-s"][..], false), (&["-sS"], true), (&["-q"], true), (&["-s", "--json"], true)] {
        let output = machine.run(&[options, &[&url]].concat()).await;
        assert_eq!((output.status.code(), !output.stderr.is_empty()), (Some(6), said), "{options:?}");
    }
}
