//! What the upstream answers to requests that are metered.

use super::Ware;
use super::book::MARK;
use crate::Scene;
use crate::book::Plan;
use crate::halt::Point;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Tells whether a name is that of such a request.
pub(crate) fn is_metered(name: &str) -> bool {
    name.starts_with(MARK)
}

/// Answers as it was planned.
pub(crate) async fn answer(stream: &mut TcpStream, scene: &Scene, name: &str) {
    let (ware, plan, units) = scene.purses.seen(name);
    scene.at(Point::Sent);
    let status = match plan {
        Plan::Reset => return,
        Plan::Status(404) => "404 Not Found",
        Plan::Status(_) => "503 Service Unavailable",
        _ => "200 OK",
    };
    let (kind, body) = match ware {
        Ware::Bytes => ("application/octet-stream", vec![b'.'; usize::try_from(units).expect("it fits")]),
        Ware::Tokens => {
            let usage = format!(r#"{{"choices": [], "usage": {{"prompt_tokens": 0, "completion_tokens": {units}}}}}"#);
            ("application/json", usage.into_bytes())
        }
    };
    let sent = if plan == Plan::Cut { body.len() / 2 } else { body.len() };
    scene.purses.answers(name);
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\nx-served: 1\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
    );
    // An error says that the gateway has gone.
    let _ = stream.write_all(head.as_bytes()).await;
    scene.at(Point::HeadCame);
    let _ = stream.write_all(&body[..sent]).await;
    let _ = stream.shutdown().await;
}
