//! The file `lnd.conf`.

use core::fmt::Write as _;
use core::net::SocketAddr;

use crate::rpc::RpcServer;

/// Where a node listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) rpc: SocketAddr,
    pub(super) rest: SocketAddr,
    pub(super) peer: SocketAddr,
}

/// What makes a node fit for tests: it learns of blocks and of its peers' channels within a fraction of a second, seeks no other
/// network, comes back to a lost peer at once, and opens many channels at a time. By itself it asks three peers for gossip, where
/// an LDK node tells of its channels only if it is asked; keeps what it heard for half a second before it believes it, and
/// for 5 s before it passes it on; and takes ten changes of a channel, then one a minute.
const FOR_TESTS: &str = "no-rest-tls=true
nobootstrap=true
trickledelay=50
numgraphsyncpeers=64
gossip.sub-batch-delay=50ms
gossip.max-channel-update-burst=1000
db.batch-commit-interval=1ms
maxpendingchannels=64
minbackoff=100ms
maxbackoff=1s
logging.file.disable=true
logging.console.no-timestamps=false
bitcoin.regtest=true
bitcoin.node=bitcoind
bitcoin.defaultchanconfs=1
bitcoind.rpcpolling=true
bitcoind.blockpollinginterval=50ms
bitcoind.txpollinginterval=50ms
";

/// Returns the file of the node `alias` on the chain behind `rpc`. What `options` says comes last.
pub(super) fn text(alias: &str, addresses: Addresses, rpc: &RpcServer, options: &[String]) -> String {
    let Addresses { rpc: grpc, rest, peer } = addresses;
    let (host, user, password) = (rpc.address(), rpc.credentials().user(), rpc.credentials().password());
    let mut text = format!(
        "[Application Options]\nalias={alias}\nrpclisten={grpc}\nrestlisten={rest}\nlisten={peer}\n\
         bitcoind.rpchost={host}\nbitcoind.rpcuser={user}\nbitcoind.rpcpass={password}\n{FOR_TESTS}"
    );
    for option in options {
        writeln!(text, "{option}").expect("a string takes all text");
    }
    text
}
