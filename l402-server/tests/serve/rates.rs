//! L1: a flood of unpaid requests does not reach the node, and does not hold up what was paid for.

use crate::support::{Answer, Echo, Gateway, send};
use core::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpSocket;

const SOLD: &str = "price = \"1 sat\"\nvalid_for = \"1h\"";

/// Asks from another loopback address, which Linux lets every program use.
async fn ask_from(gateway: &Gateway, from: Ipv4Addr, fields: &[(&str, &str)]) -> Answer {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((from, 0))).expect("bound");
    let mut stream = socket.connect(gateway.address()).await.expect("connected");
    send(&mut stream, "GET", "/", fields).await;
    Answer::read(&mut stream).await
}

#[tokio::test]
async fn l1_a_flood_from_many_addresses_is_bounded_and_paid_requests_are_served() {
    let echo = Echo::start().await;
    let limits = "limits = { challenges_per_client = \"2/h\", challenges = \"100/h\" }";
    let gateway = Gateway::start(&format!("upstream = {:?}\n{SOLD}\n{limits}", echo.url));
    let credential = gateway.buy("GET", "/").await;
    let (mut challenged, mut refused) = (0, 0);
    for number in 0..300_u32 {
        let from = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + number % 75);
        match ask_from(&gateway, from, &[]).await.status {
            402 => challenged += 1,
            429 => refused += 1,
            other => panic!("{other}"),
        }
        if number % 50 == 0 {
            let paid = ask_from(&gateway, from, &[("Authorization", &credential)]).await;
            assert_eq!(paid.status, 200, "{}", paid.text);
        }
    }
    assert_eq!((challenged, refused), (99, 201), "with the one that was bought, a hundred for all");
}

#[tokio::test]
async fn l1_clients_are_told_apart_by_their_network() {
    let echo = Echo::start().await;
    let limits = "limits = { challenges_per_client = \"1/h\", ipv4_prefix = 24 }";
    let gateway = Gateway::start(&format!("upstream = {:?}\n{limits}", echo.url));
    for (from, status) in [([127, 2, 0, 1], 402), ([127, 2, 0, 9], 429), ([127, 2, 1, 1], 402)] {
        assert_eq!(ask_from(&gateway, from.into(), &[]).await.status, status, "{from:?}");
    }
    let refused = ask_from(&gateway, [127, 2, 0, 1].into(), &[("X-Forwarded-For", "198.51.100.7")]).await;
    assert_eq!((refused.status, refused.fields("x-ratelimit-limit")), (429, vec!["1"]), "nobody trusts it");
    assert_eq!(refused.fields("ratelimit-policy"), ["\"challenges-per-client\";q=1;w=3600"]);
}

#[tokio::test]
async fn l1_behind_a_trusted_proxy_the_client_is_whom_it_names() {
    let echo = Echo::start().await;
    let limits = "trusted_proxies = [\"127.0.0.0/8\"]\nlimits = { challenges_per_client = \"1/h\" }";
    let gateway = Gateway::start(&format!("upstream = {:?}\n{limits}", echo.url));
    for (client, status) in [
        ("198.51.100.7", 402),
        ("198.51.100.7", 429),
        ("6.6.6.6, 198.51.100.7", 429),
        ("198.51.100.8", 402),
        ("2001:db8:0:1::1", 402),
        ("2001:db8:0:1:2::", 429),
        ("2001:db8:0:2::1", 402),
    ] {
        assert_eq!(gateway.ask("GET", "/", &[("X-Forwarded-For", client)]).await.status, status, "{client}");
    }
    let forwarded = gateway.ask("GET", "/", &[("Forwarded", "for=198.51.100.8;proto=https")]).await;
    assert_eq!(forwarded.status, 429, "the same client in the newer header");
}

#[tokio::test]
async fn l1_a_service_limits_its_tokens() {
    let echo = Echo::start().await;
    let service = format!("[[service]]\nname = \"a\"\nupstream = {:?}\nrate = \"2/h\"", echo.url);
    let gateway = Gateway::start(&format!("{service}\n{SOLD}"));
    let [one, two] = [gateway.buy("GET", "/").await, gateway.buy("GET", "/").await];
    let mut statuses = Vec::new();
    for credential in [&one, &one, &one, &two] {
        let answer = gateway.ask("GET", "/", &[("Authorization", credential)]).await;
        statuses.push((answer.status, answer.fields("x-ratelimit-limit").concat()));
    }
    let limited = (429, "2".to_owned());
    let served = (200, String::new());
    assert_eq!(statuses, [served.clone(), served.clone(), limited, served]);
}

#[tokio::test]
async fn l1_open_invoices_are_bounded_where_the_node_stores_them() {
    let echo = Echo::start().await;
    let text = format!("upstream = {:?}\nlimits = {{ unpaid_invoices = 40 }}", echo.url);
    let from = |number: u8| Ipv4Addr::new(127, 3, 0, number);
    let gateway = Gateway::start_with(&text, true);
    for number in (1..=40_u8).map(|number| number.div_ceil(2)) {
        assert_eq!(ask_from(&gateway, from(number), &[]).await.status, 402, "{number}");
    }
    let refused = ask_from(&gateway, from(7), &[]).await;
    assert_eq!((refused.status, refused.fields("x-ratelimit-limit")), (429, vec!["2"]));
    let crowded = ask_from(&gateway, from(70), &[]).await;
    assert_eq!((crowded.status, crowded.body().contains("too-many-unpaid")), (503, true), "{}", crowded.text);
    assert!(!crowded.fields("retry-after").is_empty());

    let unbounded = Gateway::start(&text);
    for _ in 0..50 {
        assert_eq!(ask_from(&unbounded, from(7), &[]).await.status, 402);
    }
}

#[tokio::test]
async fn l1_a_route_limits_its_tokens() {
    let echo = Echo::start().await;
    let service = format!("[[service]]\nname = \"a\"\nupstream = {:?}\nrate = \"3/h\"", echo.url);
    let route = |path: &str| format!("[[service.route]]\npath = {path:?}\ncapability = \"all\"\n{SOLD}");
    let gateway = Gateway::start(&format!("{service}\n{}\n{}\nrate = \"1/h\"", route("/free/*"), route("/once/*")));
    let credential = gateway.buy("GET", "/once/1").await;
    let mut statuses = Vec::new();
    for path in ["/once/1", "/once/2", "/free/1", "/free/2", "/free/3"] {
        let answer = gateway.ask("GET", path, &[("Authorization", &credential)]).await;
        statuses.push((answer.status, answer.fields("ratelimit-policy").concat()));
    }
    let limited = |policy: &str| (429, policy.to_owned());
    let served = (200, String::new());
    let [of_route, of_service] = ["\"token-of-route\";q=1;w=3600", "\"token\";q=3;w=3600"].map(limited);
    assert_eq!(statuses, [served.clone(), of_route, served.clone(), served, of_service]);
}
