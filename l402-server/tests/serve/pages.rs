//! Pages of other origins (P9), over real sockets; `tests/browser` does the same with a real browser.

use std::net::TcpListener;

use crate::support::{Answer, Echo, Gateway};

const PAGE: (&str, &str) = ("Origin", "https://shop.example");
const OTHER: (&str, &str) = ("Origin", "https://other.example");

async fn preflight(gateway: &Gateway, target: &str, origin: (&str, &str)) -> Answer {
    gateway.ask("OPTIONS", target, &[origin, ("Access-Control-Request-Method", "GET")]).await
}

#[tokio::test]
async fn p9_every_page_can_call_the_quick_start() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    for target in ["/anything", "/info", "/health"] {
        for origin in [PAGE, OTHER, ("Origin", "null")] {
            let answer = preflight(&gateway, target, origin).await;
            assert_eq!((answer.status, answer.fields("access-control-allow-origin")), (204, vec!["*"]), "{target}");
            assert_eq!(answer.fields("access-control-allow-headers"), ["authorization"]);
            assert_eq!(answer.fields("access-control-allow-credentials"), [""; 0]);
        }
    }
    let credential = gateway.buy("GET", "/").await;
    for (target, fields, status) in [
        ("/", &[PAGE][..], 402),
        ("/", &[PAGE, ("Authorization", "L402 x")], 400),
        ("/a//b", &[PAGE], 400),
        ("/", &[PAGE, ("Authorization", &credential)], 200),
        ("/info", &[PAGE], 200),
    ] {
        let answer = gateway.ask("GET", target, fields).await;
        assert_eq!((answer.status, answer.fields("access-control-allow-origin")), (status, vec!["*"]), "{target}");
        assert!(answer.fields("access-control-expose-headers")[0].starts_with("WWW-Authenticate, Retry-After"));
    }
}

#[tokio::test]
async fn p9_each_service_says_which_pages_may_call() {
    let echo = Echo::start().await;
    let service = |name: &str, cors: &str| {
        format!(
            "[[service]]\nname = {name:?}\nupstream = {:?}\nprice = \"1 sat\"\n{cors}\nfree = [\"/{name}/free\"]\n\
             [[service.route]]\npath = \"/{name}/*\"\n",
            echo.url
        )
    };
    let services =
        [service("open", "cors = true"), service("shop", "cors = [\"https://shop.example\"]"), service("off", "")];
    let gateway = Gateway::start(&services.concat());
    for (target, page, other) in [
        ("/open/a", (204, Some("*")), (204, Some("*"))),
        ("/open/free", (204, Some("*")), (204, Some("*"))),
        ("/shop/a", (204, Some("https://shop.example")), (403, None)),
        ("/shop/free", (204, Some("https://shop.example")), (403, None)),
        ("/off/a", (403, None), (403, None)),
        ("/off/free", (200, None), (200, None)), // it is free: the upstream answers
        ("/none", (204, Some("*")), (204, Some("*"))),
    ] {
        for (origin, (status, allowed)) in [(PAGE, page), (OTHER, other)] {
            let answer = preflight(&gateway, target, origin).await;
            let said = answer.fields("access-control-allow-origin").first().copied();
            assert_eq!((answer.status, said), (status, allowed), "{target} {origin:?}: {}", answer.text);
            let asked = gateway.ask("GET", target, &[origin]).await;
            assert_eq!(asked.fields("access-control-allow-origin").first().copied(), allowed, "{target} {origin:?}");
            let varies = target.starts_with("/shop/");
            assert_eq!(asked.fields("vary").contains(&"Origin"), varies, "{target} {origin:?}");
        }
    }
}

#[tokio::test]
async fn p9_a_page_can_read_that_the_upstream_is_not_there() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap(); // it answers no request, but can be reached
    let address = upstream.local_addr().unwrap();
    let gateway = Gateway::start(&format!("upstream = \"http://{address}\"\nuses = \"unlimited\""));
    let credential = gateway.buy("GET", "/").await;
    drop(upstream);
    let answer = gateway.ask("GET", "/", &[PAGE, ("Authorization", &credential)]).await;
    assert_eq!((answer.status, answer.fields("access-control-allow-origin")), (502, vec!["*"]));
}

/// A preflight goes on unpaid, so that it must not carry what an upstream would work on.
#[tokio::test]
async fn p9_a_preflight_with_a_body_is_not_passed_on() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}\ncors = \"upstream\"", echo.url));
    let asks = ("Access-Control-Request-Method", "POST");
    assert_eq!(gateway.ask("OPTIONS", "/", &[PAGE, asks]).await.status, 200);
    assert_eq!(gateway.ask("OPTIONS", "/", &[PAGE, asks, ("Content-Length", "0")]).await.status, 200);
    for framing in [("Content-Length", "3"), ("Transfer-Encoding", "chunked")] {
        let answer = gateway.ask("OPTIONS", "/", &[PAGE, asks, framing]).await;
        assert!(answer.status == 400 && answer.text.contains("a preflight has no body"), "{}", answer.text);
    }
}
