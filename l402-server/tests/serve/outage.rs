//! Nothing is sold of an upstream that is known to be down, and no client has to pay to find that out.

use core::net::SocketAddr;
use core::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use crate::support::{Answer, Gateway};

/// An address at which no server listens, until [`serve`] is called with it.
async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    listener.local_addr().expect("an address")
}

fn serve(address: SocketAddr) -> JoinHandle<()> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("set");
    socket.bind(address).expect("bound again");
    let listener = socket.listen(64).expect("listening");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut head = [0; 4096];
            if stream.read(&mut head).await.is_ok_and(|count| count > 0) {
                let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nserved";
                stream.write_all(answer).await.expect("sent");
            }
        }
    })
}

/// Asks without paying until the status is this one: the gateway finds out by itself.
async fn until(gateway: &Gateway, status: u16) -> Answer {
    for _ in 0..300 {
        let answer = gateway.ask("GET", "/sold/a", &[]).await;
        if answer.status == status {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never {status}");
}

#[tokio::test]
async fn nothing_is_sold_while_the_upstream_is_down() {
    let address = closed_port().await;
    let text = format!(
        "timeouts = {{ probe = \"50ms\" }}\n[[service]]\nname = \"shop\"\nupstream = \"http://{address}\"\n\
         free = [\"/free\"]\n[[service.route]]\npath = \"/sold/*\"\nprice = \"1 sat\"\nuses = \"unlimited\""
    );
    let gateway = Gateway::start(&text);

    // Down from the start: before the first request.
    let refused = until(&gateway, 503).await;
    assert!(refused.body().contains("\"reason\":\"undeliverable\""), "{}", refused.text);
    assert!(refused.fields("www-authenticate").is_empty() && !refused.text.contains("lnbc"), "{}", refused.text);
    let [seconds] = refused.fields("retry-after")[..] else { panic!("{}", refused.text) };
    assert!((1..=10).contains(&seconds.parse::<u64>().expect("seconds")), "{seconds}");
    let forged = [("Authorization", "L402 AgEE:00")];
    assert_eq!(gateway.ask("GET", "/sold/a", &forged).await.status, 400, "the verdict comes first");
    assert_eq!(gateway.ask("GET", "/free", &[]).await.status, 502, "what is free is tried");

    // It comes back, by itself.
    let upstream = serve(address);
    until(&gateway, 402).await;
    let paid = gateway.buy("GET", "/sold/a").await;
    assert_eq!(gateway.ask("GET", "/sold/a", &[("Authorization", &paid)]).await.status, 200);

    // It goes down again: no paid request was needed to notice, and one that was paid for before is still tried.
    upstream.abort();
    let _ = upstream.await;
    until(&gateway, 503).await;
    assert_eq!(gateway.ask("GET", "/sold/a", &[("Authorization", &paid)]).await.status, 502);
    let again = serve(address);
    until(&gateway, 402).await;
    assert_eq!(gateway.ask("GET", "/sold/a", &[("Authorization", &paid)]).await.status, 200);
    again.abort();
}

#[tokio::test]
async fn one_upstream_that_is_down_does_not_stop_the_sale_of_another() {
    let (down, up) = (closed_port().await, closed_port().await);
    let _upstream = serve(up);
    let service = |name: &str, address| {
        format!(
            "[[service]]\nname = \"{name}\"\nupstream = \"http://{address}\"\nprice = \"1 sat\"\n\
             [[service.route]]\npath = \"/{name}/*\"\n"
        )
    };
    let gateway = Gateway::start(&format!("{}{}", service("sold", down), service("other", up)));
    until(&gateway, 503).await;
    assert_eq!(gateway.ask("GET", "/other/a", &[]).await.status, 402);
}

#[tokio::test]
async fn a_gateway_is_ready_as_long_as_one_of_its_upstreams_can_be_reached() {
    let (up, down) = (closed_port().await, closed_port().await);
    let serving = serve(up);
    let text = format!(
        "timeouts = {{ probe = \"50ms\" }}\n[[service]]\nname = \"other\"\nupstream = \"http://{up}\"\n[[service.route]]\npath = \"/other/*\"\nprice = \"1 sat\"\n\
         [[service]]\nname = \"shop\"\nupstream = \"http://{down}\"\n[[service.route]]\npath = \"/sold/*\"\nprice = \"1 sat\"\nuses = \"unlimited\""
    );
    let gateway = Gateway::start(&text);
    until(&gateway, 503).await; // one is known to be down
    let ready = gateway.ask("GET", "/ready", &[]).await;
    assert_eq!(ready.status, 200, "{}", ready.text);
    serving.abort();
    for _ in 0..300 {
        let ready = gateway.ask("GET", "/ready", &[]).await;
        if ready.status == 503 {
            assert!(ready.body().contains("\"upstream\":\"none can be reached\""), "{}", ready.text);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("still ready");
}
