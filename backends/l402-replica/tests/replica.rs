//! A gateway without a node, one with a fake node, and somebody in between.
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

use core::time::Duration;
use l402_core::{MasterKey, Msat, PaymentHash, Seal, SealError, SealKeys, Sealer};
use l402_lightning::testing::conformance::{self, Harness};
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Network, NodeId, PayLimit, PayeeNode,
    PaymentSource, SettlementSource,
};
use l402_replica::{Address, Desk, GatewayNode, Kept, ReplicaError};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener, UnixStream};

const REQUEST: InvoiceRequest<'_> =
    InvoiceRequest { amount_msat: Msat::new(21_000), description: "weather", expiry: Duration::from_mins(10) };

/// A gateway with a node, and one without.
struct Stand {
    network: FakeNetwork,
    node: FakeNode,
    address: Address,
    desk: Desk,
    replica: GatewayNode,
    folder: TempDir,
}

fn seals(master: u8) -> Arc<dyn Sealer + Send + Sync> {
    Arc::new(SealKeys::new("test v1", 0, &MasterKey::from_bytes([master; 32])))
}

fn unix(folder: &TempDir, name: &str) -> Address {
    format!("unix:{}", folder.path().join(name).display()).parse().unwrap()
}

impl Stand {
    async fn start() -> Self {
        let (folder, network) = (tempfile::tempdir().unwrap(), FakeNetwork::new());
        let (node, address) = (network.node(), unix(&folder, "node.sock"));
        let kept = Kept::new(PayeeNode::new(node.clone()), Network::Regtest).id(node.node_id());
        let desk = Desk::open(&address, kept, seals(7)).await.unwrap();
        let replica = GatewayNode::new(address.clone(), Network::Regtest, Some(node.node_id()), seals(7));
        Self { network, node, address, desk, replica, folder }
    }

    /// A replica whose connections go through somebody who writes everything down.
    fn overheard(&self) -> (GatewayNode, Arc<Mutex<Vec<Exchange>>>) {
        let (to, heard) = (unix(&self.folder, "between.sock"), Arc::<Mutex<Vec<Exchange>>>::default());
        let listener = UnixListener::bind(self.folder.path().join("between.sock")).unwrap();
        let (desk, list) = (self.folder.path().join("node.sock"), Arc::clone(&heard));
        tokio::spawn(async move {
            while let Ok((mut replica, _)) = listener.accept().await {
                let mut gateway = UnixStream::connect(&desk).await.unwrap();
                let request = frame(&mut replica).await.unwrap();
                gateway.write_all(&request).await.unwrap();
                let reply = frame(&mut gateway).await.unwrap_or_default();
                list.lock().unwrap().push(Exchange { request, reply: reply.clone() });
                replica.write_all(&reply).await.unwrap();
            }
        });
        (GatewayNode::new(to, Network::Regtest, None, seals(7)), heard)
    }

    /// Sends bytes, and returns what comes back.
    async fn send(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = UnixStream::connect(self.folder.path().join("node.sock")).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut back = Vec::new();
        let _ = stream.read_to_end(&mut back).await; // closed with bytes unread, it is reset
        back
    }
}

/// What has crossed one connection.
struct Exchange {
    request: Vec<u8>,
    reply: Vec<u8>,
}

/// Reads one frame.
async fn frame(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut bytes = vec![0; Seal::LEN + 2];
    stream.read_exact(&mut bytes).await.ok()?;
    let len = u16::from_be_bytes(*bytes.last_chunk()?);
    let mut body = vec![0; len.into()];
    stream.read_exact(&mut body).await.ok()?;
    bytes.extend(body);
    Some(bytes)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The cause of an invoice that cannot be had.
fn unavailable(made: Result<Invoice, InvoiceSourceError>) -> ReplicaError {
    match made {
        Err(InvoiceSourceError::Unavailable(cause)) => *cause.downcast().unwrap(),
        other => panic!("unavailable expected, not {other:?}"),
    }
}

/// What a replica is paid by: invoices of the other gateway, and settlements from elsewhere.
struct Paid {
    replica: GatewayNode,
    store: FakeNode,
}

impl InvoiceSource for Paid {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        self.replica.create_invoice(request).await
    }
}

impl SettlementSource for Paid {
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        assert_eq!(self.replica.settled_msat(hash).await?, None);
        self.store.settled_msat(hash).await
    }
}

struct Both {
    payee: Paid,
    payer: FakeNode,
    id: NodeId,
}

impl Harness for Both {
    type Payee = Paid;
    type Payer = FakeNode;

    fn payee(&self) -> &Paid {
        &self.payee
    }

    fn payee_id(&self) -> Option<NodeId> {
        Some(self.id)
    }

    fn payer(&self) -> &FakeNode {
        &self.payer
    }

    fn too_much_msat(&self) -> Option<Msat> {
        None
    }
}

#[tokio::test]
async fn the_node_of_another_gateway_conforms() {
    let stand = Stand::start().await;
    let payee = Paid { replica: stand.replica.clone(), store: stand.node.clone() };
    conformance::all(&Both { payee, payer: stand.network.node(), id: stand.node.node_id() }).await;
}

#[tokio::test]
async fn a_gateway_can_listen_on_a_private_address() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (address, node) = (Address::Tcp(free.to_string()), FakeNetwork::new().node());
    let kept = Kept::new(PayeeNode::new(node.clone()), Network::Regtest).trouble(|| Some("no channel".to_owned()));
    let _desk = Desk::open(&address, kept, seals(7)).await.unwrap();
    let who = GatewayNode::ask(&address, &seals(7)).await.unwrap();
    assert_eq!((who.network, who.payee, who.trouble.as_deref()), (Network::Regtest, None, Some("no channel")));
    let replica = GatewayNode::new(address, Network::Regtest, None, seals(7));
    assert_eq!(replica.create_invoice(REQUEST).await.unwrap().payee(), node.node_id());
}

#[tokio::test]
async fn l3_a_lying_gateway_is_found_out() {
    for fault in [
        FakeFault::WrongAmount,
        FakeFault::NoAmount,
        FakeFault::WrongNetwork,
        FakeFault::WrongPayee,
        FakeFault::WrongExpiry,
    ] {
        let stand = Stand::start().await;
        stand.node.misbehave(fault);
        let made = stand.replica.create_invoice(REQUEST).await;
        assert!(matches!(made, Err(InvoiceSourceError::Mismatch(_))), "{fault:?}: {made:?}");
    }
    // Without a signer in the settings, that of the first invoice is the only one.
    let stand = Stand::start().await;
    let replica = GatewayNode::new(stand.address.clone(), Network::Regtest, None, seals(7));
    replica.create_invoice(REQUEST).await.unwrap();
    stand.node.misbehave(FakeFault::WrongPayee);
    let made = replica.create_invoice(REQUEST).await;
    assert!(matches!(made, Err(InvoiceSourceError::Mismatch(_))), "{made:?}");
}

#[tokio::test]
async fn l3_a_request_counts_once_and_only_as_it_was_sent() {
    let stand = Stand::start().await;
    let (replica, heard) = stand.overheard();
    replica.create_invoice(REQUEST).await.unwrap();
    let (request, reply) = {
        let heard = heard.lock().unwrap();
        (heard[0].request.clone(), heard[0].reply.clone())
    };
    assert!(contains(&reply, b"bolt11"));
    let again = stand.send(&request).await;
    assert!(contains(&again, b"replayed") && !contains(&again, b"bolt11"), "the same request again");
    assert_eq!(stand.send(&reply).await, b"", "a reply is no request");
    for at in (0..request.len()).step_by(3) {
        let mut changed = request.clone();
        changed[at] ^= 1;
        assert_eq!(stand.send(&changed).await, b"", "byte {at}");
        assert_eq!(stand.send(&request[..at]).await, b"", "cut at {at}");
    }
    let mut endless = request.clone();
    endless[Seal::LEN..Seal::LEN + 2].fill(0xff);
    assert_eq!(stand.send(&[endless, vec![b' '; 100_000]].concat()).await, b"", "too long");
    assert_eq!(stand.node.invoices_asked(), 1);
}

#[tokio::test]
async fn l3_the_reply_to_another_request_is_not_believed() {
    let stand = Stand::start().await;
    let (replica, heard) = stand.overheard();
    replica.create_invoice(REQUEST).await.unwrap();
    let old = heard.lock().unwrap()[0].reply.clone();
    let listener = UnixListener::bind(stand.folder.path().join("liar.sock")).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        frame(&mut stream).await.unwrap();
        stream.write_all(&old).await.unwrap();
    });
    let replica = GatewayNode::new(unix(&stand.folder, "liar.sock"), Network::Regtest, None, seals(7));
    assert!(matches!(unavailable(replica.create_invoice(REQUEST).await), ReplicaError::Malformed));
}

#[tokio::test]
async fn who_has_another_key_file_gets_nothing_and_is_believed_nothing() {
    let stand = Stand::start().await;
    let stranger = GatewayNode::new(stand.address.clone(), Network::Regtest, None, seals(8));
    let said = unavailable(stranger.create_invoice(REQUEST).await).to_string();
    assert!(said.contains("same key file"), "{said}");
    assert_eq!(stand.node.invoices_asked(), 0);

    // One that answers with another key.
    let node = stand.node.clone();
    let address = unix(&stand.folder, "stranger.sock");
    let half: Arc<dyn Sealer + Send + Sync> = Arc::new(Half);
    let kept = Kept::new(PayeeNode::new(node), Network::Regtest);
    let _desk = Desk::open(&address, kept, half).await.unwrap();
    let replica = GatewayNode::new(address, Network::Regtest, None, seals(7));
    let fault = unavailable(replica.create_invoice(REQUEST).await);
    assert!(matches!(fault, ReplicaError::Seal(SealError::Mismatch)), "{fault:?}");
}

/// Believes everybody, and seals with a key of its own.
struct Half;

impl Sealer for Half {
    fn seal(&self, text: &[u8]) -> Seal {
        seals(8).seal(text)
    }

    fn verify(&self, _: &[u8], _: &Seal) -> Result<(), SealError> {
        Ok(())
    }
}

#[tokio::test]
async fn l6_without_the_other_gateway_or_its_node_there_is_no_invoice() {
    let stand = Stand::start().await;
    stand.node.misbehave(FakeFault::Unreachable);
    assert!(matches!(unavailable(stand.replica.create_invoice(REQUEST).await), ReplicaError::Node));
    stand.node.misbehave(FakeFault::NoInboundLiquidity);
    let made = stand.replica.create_invoice(REQUEST).await;
    assert!(
        matches!(made, Err(InvoiceSourceError::NoInboundLiquidity { amount_msat }) if amount_msat == REQUEST.amount_msat)
    );
    drop(stand.desk);
    let gone = unavailable(stand.replica.create_invoice(REQUEST).await);
    assert!(matches!(gone, ReplicaError::Connection(_)), "{gone:?}");
    assert!(stand.replica.who().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn l6_a_gateway_that_does_not_answer_is_not_waited_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap(); // accepts, and reads nothing
    let address = Address::Tcp(silent.local_addr().unwrap().to_string());
    let replica = GatewayNode::new(address, Network::Regtest, None, seals(7));
    assert!(matches!(unavailable(replica.create_invoice(REQUEST).await), ReplicaError::TooSlow));
}

#[tokio::test]
async fn idle_connections_keep_no_replica_out() {
    let stand = Stand::start().await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        for _ in 0..300 {
            idle.push(UnixStream::connect(stand.folder.path().join("node.sock")).await.unwrap());
        }
        stand.replica.create_invoice(REQUEST).await.unwrap();
    }
}

#[tokio::test]
async fn l4_no_preimage_crosses_the_connection() {
    let stand = Stand::start().await;
    let (replica, heard) = stand.overheard();
    let payer = stand.network.node();
    let mut preimages = Vec::new();
    for _ in 0..8 {
        let invoice = replica.create_invoice(REQUEST).await.unwrap();
        preimages.push(payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap().preimage);
        replica.who().await.unwrap();
        replica.settled_msat(&invoice.payment_hash()).await.unwrap();
    }
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 16);
    for bytes in heard.iter().flat_map(|exchange| [&exchange.request, &exchange.reply]) {
        for preimage in &preimages {
            let hex = preimage.to_hex();
            assert!(!contains(bytes, preimage.expose()) && !contains(bytes, hex.expose().as_bytes()));
        }
    }
    let hash = preimages[0].hash().to_string();
    assert!(contains(&heard[0].reply, hash.as_bytes()), "the scan finds what is there");
}
