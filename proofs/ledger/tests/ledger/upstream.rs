//! An upstream that writes down what it sees before it answers as it was planned.

use crate::book::Plan;
use crate::halt::Point;
use crate::wire::read_head;
use crate::{Scene, metered};
use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Begins to listen.
pub(crate) async fn start(scene: Arc<Scene>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&scene)));
        }
    });
    address
}

async fn answer(mut stream: TcpStream, scene: Arc<Scene>) {
    let Some((head, mut body)) = read_head(&mut stream).await else { return }; // the gateway connected in advance
    let head = String::from_utf8(head).expect("a text");
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let length: usize = field("content-length").map_or(0, |length| length.parse().expect("a length"));
    while body.len() < length {
        if !matches!(stream.read_buf(&mut body).await, Ok(1..)) {
            return; // the gateway has gone
        }
    }
    let name = field("x-attempt").expect("each request has a name");
    if metered::is_metered(name) {
        return metered::answer(&mut stream, &scene, name).await;
    }
    let plan = scene.book.seen(name);
    scene.at(Point::Sent);
    match plan {
        Plan::ServeLate => sleep(Duration::from_millis(40)).await,
        Plan::Held => scene.gate.acquire().await.expect("it is never closed").forget(),
        _ => {}
    }
    let (status, length, more) = match plan {
        Plan::Serve | Plan::ServeLate | Plan::Held => ("200 OK", 6, ""),
        Plan::Cut => ("200 OK", 600, ""),
        Plan::Status(404) => ("404 Not Found", 6, ""),
        Plan::Status(503) => ("503 Service Unavailable", 6, ""),
        Plan::Status(_) => ("500 Internal Server Error", 6, ""),
        Plan::Here => ("302 Found", 6, "location: /login\r\n"),
        Plan::Reset => return,
    };
    scene.book.answers(name);
    let head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\nx-served: 1\r\n{more}content-length: {length}\r\n\r\n");
    // An error says that the gateway has gone.
    let _ = stream.write_all(head.as_bytes()).await;
    scene.at(Point::HeadCame);
    sleep(Duration::from_millis(1)).await;
    let _ = stream.write_all(b"served").await;
    let _ = stream.shutdown().await;
}
