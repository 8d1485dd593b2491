//! A client that writes its own bytes.

use core::net::SocketAddr;
use core::time::Duration;
use l402_core::macaroon::hex;
use l402_core::{Challenge, Identifier, PaymentHash};
use l402_lightning::Invoice;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Writes a request whose connection ends with the answer.
pub(crate) fn request(method: &str, target: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    format!("{method} {target} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{fields}\r\n")
}

/// Sends bytes, and returns what comes back until the gateway closes.
pub(super) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await; // it may answer and close before it has read all
    let mut read = Vec::new();
    let reading = async {
        let mut buffer = vec![0; 4096];
        // A connection that is reset has still said what it had to say.
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            read.extend_from_slice(&buffer[..count]);
        }
    };
    timeout(Duration::from_secs(20), reading).await.expect("the gateway answers and closes");
    read
}

/// An answer, as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(super) fn of(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{text:?}"));
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn text(&self) -> String {
        format!("{}\n\n{}", self.head, self.body)
    }

    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The reason for programs.
    pub(crate) fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap_or_else(|| panic!("no reason: {}", self.text())).to_owned()
    }

    /// The token and the invoice of the challenge, which all lines agree on.
    pub(crate) fn challenge(&self) -> (String, Invoice) {
        let lines = self.fields("www-authenticate");
        let [lsat, l402] = lines[..] else { panic!("not two lines: {}", self.text()) };
        assert!(lsat.starts_with("LSAT macaroon=\"") && l402.starts_with("L402 version=\"0\", token=\""), "{lines:?}");
        let both = [lsat, l402].map(|line| {
            let challenge = Challenge::select([line.as_bytes()]).unwrap();
            [challenge.token(), challenge.invoice()].map(|value| value.as_str().unwrap().to_owned())
        });
        assert_eq!(both[0], both[1], "both lines sell the same");
        let [token, invoice] = both[0].clone();
        let invoice = Invoice::parse(&invoice).unwrap();
        assert_eq!(payment_hash(&token), invoice.payment_hash(), "the invoice buys the token");
        (token, invoice)
    }
}

/// The payment hash in a token.
fn payment_hash(token: &str) -> PaymentHash {
    let mut bytes = [0; 1024];
    let bytes = l402_core::macaroon::base64::decode_into(token.as_bytes(), &mut bytes).unwrap();
    let token = l402_core::macaroon::MacaroonRef::parse(bytes).unwrap();
    Identifier::parse(token.identifier()).unwrap().payment_hash()
}

/// Lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let mut text = vec![0; 2 * bytes.len()];
    hex::encode_into(bytes, &mut text).unwrap().to_owned()
}
