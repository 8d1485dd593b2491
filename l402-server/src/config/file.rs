//! The configuration file as it is written: its keys, and nothing about what their values mean.
//!
//! The doc comments here are the descriptions in the printed schema.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::at::At;
use super::cors::Pages;
use super::text::Text;

/// Configuration of the gateway `l402-server`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "l402-server")]
pub(super) struct File {
    /// Address and port that clients connect to. Tokens should not cross a network in the clear: for another address than one of
    /// this machine, put the gateway behind a server that ends TLS.
    #[schemars(extend("default" = "127.0.0.1:8402"))]
    pub(super) listen: Option<At<String>>,
    /// How many threads serve. One for each core unless set.
    pub(super) threads: Option<At<u16>>,
    /// Where nodes, keys and the sandbox live unless other keys say so. `l402-server` in the user's data folder unless set.
    pub(super) data_dir: Option<PathBuf>,
    /// Folder of the file `root.keys`, which is made at the first start. `keys` in the data folder unless set.
    pub(super) key_dir: Option<PathBuf>,
    /// Answers `/health`, `/ready` and `/info` itself. `false` passes them on like any other path.
    #[schemars(extend("default" = true))]
    pub(super) own_paths: Option<bool>,
    /// Proxies in front of the gateway, as addresses or CIDR ranges: `Forwarded`, `X-Forwarded-*`, and
    /// fields such as `X-Real-IP` and `CF-Connecting-IP` are believed from these alone. `X-L402-*` is believed from nobody.
    pub(super) trusted_proxies: Vec<At<String>>,

    /// Short for one service that sells every path: its origin, such as `http://127.0.0.1:3000`.
    pub(super) upstream: Option<At<String>>,
    /// The price of a token for `upstream`.
    #[schemars(extend("default" = "1 sat", "examples" = ["21 sat", "500 msat"]))]
    pub(super) price: Option<At<String>>,
    /// How long a token for `upstream` is valid at least. The time counts from the end of its invoice.
    #[schemars(extend("default" = "1h", "examples" = ["30s", "5m", "1h", "7d"]))]
    pub(super) valid_for: Option<At<String>>,
    /// How long an invoice for `upstream` can be paid, from `10s` to `24h`.
    #[schemars(extend("default" = "10m"))]
    pub(super) invoice_expiry: Option<At<String>>,
    /// Which pages of other origins may call `upstream` from a browser. With `true` all of them may, without cookies.
    #[schemars(extend("default" = true))]
    pub(super) cors: Option<At<Pages>>,

    /// What is sold, in place of `upstream`.
    pub(super) service: Vec<Service>,
    /// What is written to the log, which goes to the standard error stream.
    pub(super) log: Log,
    /// Where the specification leaves a choice.
    pub(super) protocol: Protocol,
    /// Deadlines.
    pub(super) timeouts: Timeouts,
    /// How much there may be at once, of what costs a descriptor.
    pub(super) limits: Limits,
    /// Where invoices come from. The sandbox, with play money, unless set.
    pub(super) lightning: Lightning,
}

/// A service: one upstream, and the routes of it that are sold. A path that is neither sold nor free is not found.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    /// The name in tokens: letters, digits, `.`, `_` and `-`. Renaming a service voids the tokens that were sold.
    pub(super) name: At<String>,
    /// The upstream's origin, such as `https://api.example.com`, or `h2c://127.0.0.1:50051` for HTTP/2 without TLS, as gRPC
    /// servers speak it.
    pub(super) upstream: At<String>,
    /// The version of HTTP for the upstream. `auto` is what TLS negotiates, and HTTP/1.1 without TLS. `http1` or `http2` demands
    /// one; `http2` without TLS is what `h2c://` in `upstream` says too, and passes no WebSocket.
    #[schemars(extend("default" = "auto"))]
    pub(super) upstream_protocol: Option<At<UpstreamProtocol>>,
    /// A PEM file with certificate authorities that an https upstream may use besides the public ones.
    pub(super) upstream_roots: Option<At<String>>,
    /// Tells the upstream the host that the client asked for, instead of the upstream's own.
    #[serde(default)]
    pub(super) preserve_host: bool,
    /// Paths that cost nothing, as patterns.
    #[serde(default)]
    #[schemars(extend("examples" = [["/status", "/docs/*"]]))]
    pub(super) free: Vec<At<String>>,
    /// Fields added to each request to the upstream, in place of the client's.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, At<Text>>,
    /// Fields added to requests that were paid for, and to no others.
    #[serde(default)]
    pub(super) paid_headers: BTreeMap<String, At<Text>>,
    /// The price of a route that names none; without any route, the price of every path.
    pub(super) price: Option<At<String>>,
    /// How long a token is valid for a route that does not say.
    #[schemars(extend("default" = "1h"))]
    pub(super) valid_for: Option<At<String>>,
    /// How long an invoice can be paid for a route that does not say.
    #[schemars(extend("default" = "10m"))]
    pub(super) invoice_expiry: Option<At<String>>,
    /// Which pages of other origins may call from a browser.
    #[schemars(extend("default" = false))]
    pub(super) cors: Option<At<Pages>>,
    /// The tier of a route that names none.
    #[schemars(extend("default" = 0))]
    pub(super) tier: Option<u32>,
    /// The routes that are sold. A token for one opens no other, unless they name the same capability.
    #[serde(default)]
    pub(super) route: Vec<Route>,
}

/// The version of HTTP that an upstream is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UpstreamProtocol {
    /// What TLS negotiates, HTTP/1.1 without TLS.
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A route of a service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    /// The path: `/v1/demo`, `/v1/{id}` for any one segment, `/v1/*` for everything beneath.
    pub(super) path: At<String>,
    /// The methods. Any unless set; `GET` includes `HEAD`.
    #[serde(default)]
    pub(super) methods: Vec<At<String>>,
    /// The price of a token, such as `21 sat` or `500 msat`.
    pub(super) price: Option<At<String>>,
    /// How long a token is valid at least, such as `1h`. The time counts from the end of its invoice, so that every buyer gets
    /// all of it; whoever pays at once can use the token longer by `invoice_expiry`.
    pub(super) valid_for: Option<At<String>>,
    /// How long an invoice can be paid, from `10s` to `24h`. Shorten it for a token that must not outlive `valid_for` by much.
    pub(super) invoice_expiry: Option<At<String>>,
    /// What a token must be allowed to do. Made from methods and path unless set, so that each route has its own.
    pub(super) capability: Option<At<String>>,
    /// The least tier that a token must have.
    pub(super) tier: Option<u32>,
    /// Forwards paths as they come, with `%2F`, `;` and `//`, which are refused otherwise: for a path such as `/npm/*`
    /// beneath which no other route lies.
    #[serde(default)]
    pub(super) raw_path: bool,
    /// What the buyer's wallet shows.
    pub(super) description: Option<At<String>>,
}

/// What is written to the log.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    /// For humans, or one JSON object in each line.
    #[schemars(extend("default" = "human"))]
    pub(super) format: LogFormat,
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), or a filter such as `info,l402_http=debug`.
    #[schemars(extend("default" = "info"))]
    pub(super) level: Option<At<String>>,
    /// One line for each request: method, path, status, reason and duration; never a query, a credential or a preimage.
    /// It costs a write for each request.
    pub(super) requests: bool,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For humans.
    #[default]
    Human,
    /// One JSON object in each line.
    Json,
}

/// Where the specification leaves a choice.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Protocol {
    /// Shows the challenge in the older LSAT form as well, for older clients.
    #[schemars(extend("default" = true))]
    pub(super) lsat: Option<bool>,
    /// The status for a malformed credential. `401` is what the specification says literally.
    #[schemars(extend("default" = 400, "enum" = [400, 401]))]
    pub(super) malformed_status: Option<At<u16>>,
    /// The status for a forged token. `402` is for clients that do not recover from 401.
    #[schemars(extend("default" = 401, "enum" = [401, 402]))]
    pub(super) forged_status: Option<At<u16>>,
    /// What becomes of caveats that are not known. `skip` is what the specification says literally.
    #[schemars(extend("default" = "refuse"))]
    pub(super) unknown_caveats: UnknownCaveats,
    /// Admits a token only after the node has recorded its payment. With `false` the preimage alone is proof enough.
    #[schemars(extend("default" = true))]
    pub(super) strict_settlement: Option<bool>,
}

/// What becomes of caveats that are not known.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UnknownCaveats {
    /// The token is refused.
    #[default]
    Refuse,
    /// They are skipped.
    Skip,
}

/// Deadlines, such as `500ms`, `30s` or `5m`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Timeouts {
    /// For the head of a client's request; `1h` at most.
    #[schemars(extend("default" = "30s"))]
    pub(super) request_head: Option<At<String>>,
    /// For connecting to an upstream, and for waiting until there is room for that; `10m` at most.
    #[schemars(extend("default" = "5s"))]
    pub(super) connect: Option<At<String>>,
    /// From the end of the request to the head of the upstream's response. A model may think for long; `1d` at most.
    #[schemars(extend("default" = "10m"))]
    pub(super) response: Option<At<String>>,
    /// The longest time in which neither body moves, in which a client takes nothing of an answer, or in which nothing is
    /// under way on a connection of HTTP/2; `1d` at most.
    #[schemars(extend("default" = "60s"))]
    pub(super) idle: Option<At<String>>,
    /// The longest time in which nothing moves on an upgraded connection, such as a WebSocket; `30d` at most.
    #[schemars(extend("default" = "10m"))]
    pub(super) tunnel: Option<At<String>>,
    /// How long an answer of unknown length, such as a stream of events, may go on after its token has ended. A WebSocket ends
    /// with its token. `30d` at most.
    #[schemars(extend("default" = "10m"))]
    pub(super) after_grant: Option<At<String>>,
    /// How long an unused connection to an upstream is kept; `1h` at most. Let it be shorter than the upstream's own.
    #[schemars(extend("default" = "4s"))]
    pub(super) keep_alive: Option<At<String>>,
    /// How often an upstream to which nobody has connected is tried, so that nothing is sold of one that is down; `1h`
    /// at most.
    #[schemars(extend("default" = "10s"))]
    pub(super) probe: Option<At<String>>,
    /// How long requests under way may take to end when the gateway is told to stop; `1h` at most.
    #[schemars(extend("default" = "20s"))]
    pub(super) shutdown: Option<At<String>>,
}

/// How much there may be at once. The gateway raises the system's limit of descriptors (`ulimit -n`) as far as it may, and lowers
/// what does not fit under it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    /// Connections of all clients. 16,384 for each thread unless set, or half of what the system allows.
    pub(super) connections: Option<At<u32>>,
    /// Connections of one client, tunnels among them. A quarter of `connections` unless set. A proxy in `trusted_proxies`
    /// stands for many clients and has no such limit.
    pub(super) connections_per_client: Option<At<u32>>,
    /// Requests of one client that are under way; the next is answered with 429. A quarter of `upstream_connections` unless set.
    /// A proxy in `trusted_proxies` has no such limit.
    pub(super) requests_per_client: Option<At<u32>>,
    /// Connections to all upstreams. 16,384 for each thread unless set, or half of what the system allows. A request for which
    /// there is no room within `timeouts.connect` is answered with 503.
    pub(super) upstream_connections: Option<At<u32>>,
    /// How many leading bits of an IPv4 address tell one client from another.
    #[schemars(range(min = 1, max = 32))]
    #[schemars(extend("default" = 32))]
    pub(super) ipv4_prefix: Option<At<u32>>,
    /// The same for an IPv6 address.
    #[schemars(range(min = 1, max = 128))]
    #[schemars(extend("default" = 64))]
    pub(super) ipv6_prefix: Option<At<u32>>,
    /// Header fields of a request over HTTP/1.1; one with more is answered with 431, and an upstream's response with more becomes
    /// a 502. Over HTTP/2 the size of the header, 64 KiB, is the bound.
    #[schemars(range(min = 16, max = 4096))]
    #[schemars(extend("default" = 100))]
    pub(super) header_fields: Option<At<u32>>,
    /// How many bytes a second a client must send of a request's body, on average over `timeouts.idle` and while the upstream
    /// would take them. With `0`, and always for gRPC, one byte in each idle time will do.
    #[schemars(extend("default" = 16))]
    pub(super) slowest_upload: Option<At<u32>>,
}

/// Where invoices come from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Lightning {
    /// `sandbox`: a network of two nodes inside the process, with play money. `ldk`: an embedded node with real money. `lnd`: an
    /// LND that runs elsewhere. `sandbox` unless set, `lnd` where one of its variables is.
    pub(super) backend: Option<At<Backend>>,
    /// Where the node or the sandbox keeps its state. A folder in the data folder unless set.
    pub(super) storage_dir: Option<PathBuf>,
    /// Sandbox: forgets everything at the end. Off unless set.
    pub(super) temporary: Option<At<bool>>,
    /// ldk, lnd: the Bitcoin network. With lnd it may be left out, and is the one that LND is on; LND must then be there when the
    /// gateway starts.
    pub(super) network: Option<At<Network>>,
    /// ldk: where blocks come from; exactly one of the three.
    pub(super) chain: Option<At<Chain>>,
    /// ldk: addresses and ports for other nodes, such as `0.0.0.0:9735`. Not reachable from outside unless set.
    pub(super) listen: Option<At<Vec<At<String>>>>,
    /// ldk: the name that other nodes see.
    pub(super) alias: Option<At<String>>,
    /// lnd: host and port of its gRPC interface.
    #[schemars(extend("examples" = ["127.0.0.1:10009"]))]
    pub(super) socket: Option<At<String>>,
    /// lnd: its certificate, as the path of a file such as `tls.cert`, as PEM, or as base64.
    pub(super) cert: Option<At<Text>>,
    /// lnd: a macaroon with `info:read invoices:read invoices:write`, as the path of a file, in hexadecimal, or as base64.
    pub(super) macaroon: Option<At<Text>>,
    /// lnd: an `lndconnect://` URI in place of the three.
    pub(super) connect: Option<At<Text>>,
    /// lnd: hints in invoices at channels that are not announced. On unless set to `false`.
    pub(super) private_hints: Option<At<bool>>,
}

/// Which node makes the invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Backend {
    /// Play money.
    Sandbox,
    /// An embedded node.
    Ldk,
    /// An LND that runs elsewhere.
    Lnd,
}

impl Backend {
    /// As it is written.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Ldk => "ldk",
            Self::Lnd => "lnd",
        }
    }

    /// As it is called in a sentence.
    pub(super) const fn called(self) -> &'static str {
        match self {
            Self::Sandbox => "the sandbox",
            Self::Ldk => "the embedded node",
            Self::Lnd => "LND",
        }
    }
}

/// A Bitcoin network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Network {
    /// Real money.
    Bitcoin,
    /// The public test network.
    Testnet,
    /// The test network with signed blocks.
    Signet,
    /// A private network.
    Regtest,
}

/// Where blocks come from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Chain {
    /// An Esplora server, such as `https://esplora.example/api`.
    pub(super) esplora: Option<At<String>>,
    /// An Electrum server, such as `ssl://electrum.example:50002`.
    pub(super) electrum: Option<At<String>>,
    /// A bitcoind.
    pub(super) bitcoind: Option<Bitcoind>,
}

/// The RPC interface of a bitcoind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bitcoind {
    /// Its host.
    pub(super) host: String,
    /// Its RPC port.
    pub(super) port: u16,
    /// The RPC user.
    pub(super) user: String,
    /// The RPC password.
    pub(super) password: At<Text>,
}
