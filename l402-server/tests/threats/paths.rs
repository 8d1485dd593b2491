//! P3: one path is matched, priced and forwarded.

use crate::stand::{Stand, log};

#[tokio::test]
async fn p3_a_path_that_can_be_read_in_two_ways_is_refused() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await.credential();
    for path in [
        "/free/../v1/now",
        "/free/..%2fv1/now",
        "/free/%2e%2e/v1/now",
        "/free/.%2E/v1/now",
        "/free/..%5cv1%5cnow",
        "/free\\..\\v1\\now",
        "/free/./a",
        "/free/%2e/a",
        "/free/..",
        "/free//v1/now",
        "//v1/now",
        "//gateway/v1/now",
        "/v1//now",
        "/v1%2fnow",
        "/v1%2Fnow",
        "/v1/now%00",
        "/free/%00/../v1/now",
        "/v1/now%0d%0aX: 1",
        "/v1/now%0a",
        "/v1/now%7f",
        "/v1/now;a=b",
        "/v1;a/now",
        "/free;/../v1/now",
        "/v1/now%3b",
        "/v1/%252e%252e/now",
        "/free/%252e%252e%252fv1",
        "/v1/now%25%32%66",
        "/v1/now%",
        "/v1/now%zz",
        "/v1/now%2",
    ] {
        let answer = stand.ask("GET", path, &[("Authorization", &bought)]).await;
        assert_eq!((answer.status, answer.fields("www-authenticate").len()), (400, 0), "{path}: {}", answer.text());
        let answer = stand.ask("GET", &format!("http://gateway{path}"), &[("Authorization", &bought)]).await;
        assert_eq!(answer.status, 400, "in a whole URI, {path}: {}", answer.text());
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
}

#[tokio::test]
async fn p3_a_refusal_of_a_path_says_what_is_wrong_with_it() {
    let stand = Stand::open().await;
    for (path, part) in [
        ("/a//b", "two slashes"),
        ("/a/../b", "dot segment"),
        ("/a%2fb", "encoded slash"),
        ("/a%5cb", "backslash"),
        ("/a%00", "control character"),
        ("/a;b", "semicolon"),
        ("/a%252f", "encoded twice"),
        ("/a%", "percent sign"),
    ] {
        let answer = stand.ask("GET", path, &[]).await;
        assert_eq!((answer.status, answer.reason().as_str()), (400, "malformed-path"), "{path}");
        assert!(answer.json()["message"].as_str().unwrap().contains(part), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn p3_the_path_that_is_priced_is_the_path_that_is_forwarded() {
    let stand = Stand::open().await;
    for (written, canonical, price_msat) in [
        ("/v1/now", "/v1/now", 1_000),
        ("/%761/no%77", "/v1/now", 1_000),
        ("/v1/%6E%6F%77?x=%2e%2e/;//%00", "/v1/now?x=%2e%2e/;//%00", 1_000),
        ("http://gateway/v1/%6eow?a", "/v1/now?a", 1_000),
        ("/v1/past/caf%c3%a9", "/v1/past/caf%C3%A9", 3_000),
        ("/v1/past/a%20b%22", "/v1/past/a%20b%22", 3_000),
        ("/v1/past/%7euser", "/v1/past/~user", 3_000),
        ("/v1/past/a%3ab", "/v1/past/a:b", 3_000),
        ("/v1/past/...", "/v1/past/...", 3_000),
        ("/v1/now/", "/v1/now/", 1_000),
        ("/v1/past/x/", "/v1/past/x/", 3_000),
        ("/v1/now#/../../free/a", "/v1/now", 1_000),
        ("/v1/past/100%25", "/v1/past/100%25", 3_000),
        ("/tile/%31/%32", "/tile/1/2", 1_000),
    ] {
        let unpaid = stand.ask("GET", written, &[]).await;
        assert_eq!((unpaid.status, unpaid.json()["price_msat"].as_u64()), (402, Some(price_msat)), "{written}");
        let bought = stand.pay(&unpaid).await;
        assert_eq!(stand.present("GET", written, &bought.credential()).await.body, "served", "{written}");
        let seen = stand.upstream.take().concat();
        assert!(seen.starts_with(&format!("GET {canonical} HTTP/1.1\r\n")), "{written}: {seen}");
    }
    let log = String::from_utf8_lossy(&log::text()).into_owned();
    assert!(log.contains("path=\"/v1/past/caf%C3%A9\" status=402"), "the log names the path that was priced");
    assert!(!log.contains("path=\"/%761"), "and no other");
}

#[tokio::test]
async fn p3_what_is_like_a_route_is_not_the_route() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await.credential();
    for path in ["/V1/now", "/v1/now/x", "/v1", "/v1/no", "/v1/now.", "/v1/now%20", "/v1/n\u{f6}w", "/freedom", "/"] {
        let answer = stand.ask("GET", path, &[("Authorization", &bought)]).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert_eq!(answer.reason(), "no-route", "{path}");
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
}

#[tokio::test]
async fn p3_a_target_without_a_path_of_this_gateway_is_refused() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await.credential();
    for (method, target) in [
        ("OPTIONS", "*"),
        ("CONNECT", "gateway:80"),
        ("GET", "v1/now"),
        ("GET", "http://other/v1/now"),
        ("GET", "http://gateway@other/v1/now"),
    ] {
        let answer = stand.present(method, target, &bought).await;
        assert!((400..=405).contains(&answer.status) && answer.status != 402, "{method} {target}: {}", answer.text());
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
}

#[tokio::test]
async fn p3_a_raw_path_is_forwarded_byte_for_byte_and_leads_nowhere_else() {
    let stand = Stand::with_routes("[[service.route]]\npath = \"/npm/*\"\nprice = \"4 sat\"\nraw_path = true\n").await;
    let bought = stand.buy("GET", "/npm/@scope%2fname").await.credential();
    for path in ["/npm/@scope%2fname", "/npm//a;v=1//b", "/npm/%7e%2F?x=%2f", "/npm", "/npm/https://x.example/%3Fa"] {
        assert_eq!(stand.ask("GET", path, &[]).await.status, 402, "{path}");
        let answer = stand.present("GET", path, &bought).await;
        assert_eq!(answer.body, "served", "{path}: {}", answer.text());
        let seen = stand.upstream.take().concat();
        assert!(seen.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{path}: {seen}");
    }
    for path in [
        "/npm/../v1/now",
        "/npm/%2e%2e/v1/now",
        "/npm/a%2f..%2f..%2fv1%2fnow",
        "/npm/..;/v1/now",
        "/npm/..;a/v1/now",
        "/npm/%252e%252e/v1/now",
        "/npm/..%5cv1%5cnow",
        "/npm/..%2fv1/now",
        "/npm/a%00",
        "/npm%2fa",
        "/npm;a/b",
        "/v1/past/a%2fb",
        "/v1//now",
    ] {
        let answer = stand.present("GET", path, &bought).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
}
