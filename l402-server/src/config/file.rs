//! The configuration file as it is written: its keys, and nothing about what their values mean.
//!
//! The doc comments here are the descriptions in the printed schema.

mod limits;

pub(super) use limits::Limits;

use core::num::NonZeroU64;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::at::At;
use super::backend::Lightning;
use super::cors::Pages;
use super::words::{Count, DoubtWord, DurabilityWord, UnitWord};
use crate::stores::StoreName;
use l402_program::config::Text;

/// Configuration of the gateway `l402-server`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "l402-server")]
pub(super) struct File {
    /// Address and port for clients. Tokens must not cross a network without TLS: for another address than one of this
    /// machine, put a TLS proxy in front.
    #[schemars(extend("default" = "127.0.0.1:8402"))]
    pub(super) listen: Option<At<String>>,
    /// Number of threads that serve requests. Default: one per core.
    pub(super) threads: Option<At<u16>>,
    /// Data directory for keys, node and sandbox. Default: `l402-server` in your data directory.
    pub(super) data_dir: Option<PathBuf>,
    /// Directory of the key file `root.keys`. Default: `keys` in the data directory.
    pub(super) key_dir: Option<PathBuf>,
    /// How long a key signs tokens before the gateway rotates by itself, such as `90d`. Default: it never does.
    pub(super) rotate_every: Option<At<String>>,
    /// Whether the gateway responds to `/health`, `/ready` and `/info` itself, or forwards them like any other path.
    #[schemars(extend("default" = true))]
    pub(super) own_paths: Option<bool>,
    /// Proxies in front of the gateway, as addresses or CIDR ranges. Only they may set `Forwarded`, `X-Forwarded-*`,
    /// `X-Real-IP` and similar headers. `X-L402-*` is never trusted.
    pub(super) trusted_proxies: Vec<At<String>>,

    /// Sells every path of this server, such as `http://127.0.0.1:3000`.
    pub(super) upstream: Option<At<String>>,
    /// Price of a token for `upstream`.
    #[schemars(extend("default" = "1 sat", "examples" = ["21 sat", "500 msat"]))]
    pub(super) price: Option<At<String>>,
    /// How often a token for `upstream` can be used: a number, or `"unlimited"`. Default: 1, or `"unlimited"` with `valid_for`.
    pub(super) uses: Option<At<Count>>,
    /// How long a token for `upstream` is valid, counted from the expiry of its invoice. Default: `1h`.
    #[schemars(extend("examples" = ["30s", "5m", "1h", "7d"]))]
    pub(super) valid_for: Option<At<String>>,
    /// How long an invoice for `upstream` can be paid, from `10s` to `24h`.
    #[schemars(extend("default" = "10m"))]
    pub(super) invoice_expiry: Option<At<String>>,
    /// Which pages in a browser may call `upstream`. `true`: all, without cookies.
    #[schemars(extend("default" = true))]
    pub(super) cors: Option<At<Pages>>,

    /// Services, in place of `upstream`.
    pub(super) service: Vec<Service>,
    /// The log, on standard error.
    pub(super) log: Log,
    /// Choices that the specification leaves open.
    pub(super) protocol: Protocol,
    /// Deadlines.
    pub(super) timeouts: Timeouts,
    /// Limits on connections and requests.
    pub(super) limits: Limits,
    /// Where invoices come from. Default: the sandbox, with play money.
    pub(super) lightning: Lightning,
    /// Where uses are counted. Default: a file in the data directory.
    pub(super) ledger: Ledger,
    /// Gateways without a node, which get their invoices from the node of this one.
    pub(super) replicas: Replicas,
}

/// What a gateway with a node does for others that have the same key file and ledger, and `backend = "gateway"`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Replicas {
    /// Where they ask for invoices: a Unix socket, or an address of a private network. Not set: nowhere.
    #[schemars(extend("examples" = ["unix:/run/l402/node.sock", "10.0.0.1:8409"]))]
    pub(super) listen: Option<At<String>>,
}

/// One upstream with its routes. A path that is neither sold nor free gets 404.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    /// Name in tokens: letters, digits, `.`, `_` and `-`. If you rename a service, its tokens become invalid.
    pub(super) name: At<String>,
    /// Origin of the upstream, such as `https://api.example.com`, or `h2c://127.0.0.1:50051` for HTTP/2 without TLS
    /// (gRPC).
    pub(super) upstream: At<String>,
    /// Version of HTTP for the upstream. `auto`: negotiated by TLS, HTTP/1.1 without TLS. `http2` without TLS is the
    /// same as `h2c://` in `upstream`; it forwards no WebSocket.
    #[schemars(extend("default" = "auto"))]
    pub(super) upstream_protocol: Option<At<UpstreamProtocol>>,
    /// PEM file with certificate authorities to trust besides the public ones.
    pub(super) upstream_roots: Option<At<String>>,
    /// Sends the client's `Host` to the upstream, instead of the upstream's own.
    #[serde(default)]
    pub(super) preserve_host: bool,
    /// Free paths, as patterns.
    #[serde(default)]
    #[schemars(extend("examples" = [["/status", "/docs/*"]]))]
    pub(super) free: Vec<At<String>>,
    /// Headers added to each request, in place of the client's.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, At<Text>>,
    /// Headers added to paid requests only.
    #[serde(default)]
    pub(super) paid_headers: BTreeMap<String, At<Text>>,
    /// Price of every path, or of routes without a price.
    pub(super) price: Option<At<String>>,
    /// How often a token can be used, for routes that do not set it: a number, or `"unlimited"`. Default: 1, or `"unlimited"` with
    /// `valid_for`.
    pub(super) uses: Option<At<Count>>,
    /// How long a token is valid, for routes that do not set it. Default: `1h`.
    pub(super) valid_for: Option<At<String>>,
    /// How long an invoice can be paid, for routes that do not set it.
    #[schemars(extend("default" = "10m"))]
    pub(super) invoice_expiry: Option<At<String>>,
    /// Which pages in a browser may call this service.
    #[schemars(extend("default" = false))]
    pub(super) cors: Option<At<Pages>>,
    /// How often the tokens of one payment can be used, such as `10/s`, `600/m` or `1000/h`: so many at once, and evenly in that time. One
    /// more gets 429 and takes no use. With the ledger in Redis, all its gateways count together. Default: no limit.
    #[schemars(extend("examples" = ["10/s"]))]
    pub(super) rate: Option<At<String>>,
    /// Tier of routes that do not set it.
    #[schemars(extend("default" = 0))]
    pub(super) tier: Option<u32>,
    /// `idempotent` of routes that do not set it.
    #[schemars(extend("default" = false))]
    pub(super) idempotent: Option<bool>,
    /// `side_effects` of routes that do not set it.
    #[schemars(extend("default" = false))]
    pub(super) side_effects: Option<bool>,
    /// `doubt` of routes that do not set it.
    #[schemars(extend("default" = "hold"))]
    pub(super) doubt: Option<At<DoubtWord>>,
    /// `doubt_after` of routes that do not set it. Default: `1h`.
    pub(super) doubt_after: Option<At<String>>,
    /// `keep_answer` of routes that do not set it. Default: none.
    pub(super) keep_answer: Option<At<String>>,
    /// Routes. A token opens one route, or all with the same capability.
    #[serde(default)]
    pub(super) route: Vec<Route>,
}

/// Version of HTTP for an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UpstreamProtocol {
    /// Negotiated by TLS, HTTP/1.1 without TLS.
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
    /// Path: `/v1/demo`, `/v1/{id}` for any one segment, `/v1/*` for everything below.
    pub(super) path: At<String>,
    /// Methods; `GET` includes `HEAD`. Default: all.
    #[serde(default)]
    pub(super) methods: Vec<At<String>>,
    /// Price of a token, such as `21 sat` or `500 msat`.
    pub(super) price: Option<At<String>>,
    /// How often a token can be used: a number, or `"unlimited"`.
    pub(super) uses: Option<At<Count>>,
    /// Charges for what is used: the price buys a balance, from which each request is paid. In place of `uses`.
    pub(super) meter: Option<At<Meter>>,
    /// How long a token is valid, such as `1h`, counted from the expiry of its invoice. A client that pays at once can
    /// use it longer.
    pub(super) valid_for: Option<At<String>>,
    /// How long an invoice can be paid, from `10s` to `24h`. Shorten it for a token that must not outlive `valid_for` by much.
    pub(super) invoice_expiry: Option<At<String>>,
    /// Routes with the same capability share tokens. Default: made from methods and path.
    pub(super) capability: Option<At<String>>,
    /// Lowest tier of token that opens the route.
    pub(super) tier: Option<u32>,
    /// The upstream does a request once, however often it arrives with the same `Idempotency-Key`. Then a request whose outcome
    /// is unknown gives its use back.
    pub(super) idempotent: Option<bool>,
    /// A GET has an effect, too. Then a GET whose outcome is unknown leaves its use in doubt, like a POST.
    pub(super) side_effects: Option<bool>,
    /// What becomes of a use in doubt: its request may have had an effect, and its outcome is unknown. `hold`: it waits for
    /// `l402-server uses resolve`.
    pub(super) doubt: Option<At<DoubtWord>>,
    /// When `refund` or `charge` resolves a use in doubt. At most `30d`.
    pub(super) doubt_after: Option<At<String>>,
    /// Keeps whole answers of counted tokens so long, to give them again to a client that lost them: for the same `Idempotency-Key`,
    /// or the same request once the token is spent. At most `1d`. Default: none is kept.
    #[schemars(extend("examples" = ["10m"]))]
    pub(super) keep_answer: Option<At<String>>,
    /// How often the tokens of one payment can be used for this route, besides the `rate` of the service. Default: no limit.
    #[schemars(extend("examples" = ["1/s"]))]
    pub(super) rate: Option<At<String>>,
    /// Forwards paths unchanged, with `%2F`, `;` and `//`, which are otherwise refused. For a path such as `/npm/*`
    /// without another route below it.
    #[serde(default)]
    pub(super) raw_path: bool,
    /// Text in the client's wallet.
    pub(super) description: Option<At<String>>,
}

/// The log, on standard error.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    /// `human`, or `json` for one object per line.
    #[schemars(extend("default" = "human"))]
    pub(super) format: LogFormat,
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), or a filter such as `info,l402_http=debug`.
    #[schemars(extend("default" = "info"))]
    pub(super) level: Option<At<String>>,
    /// One line per request: method, path, status, reason and duration; never a query, a credential or a preimage.
    /// Costs a write per request.
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

/// Choices that the specification leaves open.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Protocol {
    /// Also sends the older LSAT challenge.
    #[schemars(extend("default" = true))]
    pub(super) lsat: Option<bool>,
    /// Status for a malformed credential. The specification, read literally, says `401`.
    #[schemars(extend("default" = 400, "enum" = [400, 401]))]
    pub(super) malformed_status: Option<At<u16>>,
    /// Status for a forged token. `402` helps clients that do not recover from 401.
    #[schemars(extend("default" = 401, "enum" = [401, 402]))]
    pub(super) forged_status: Option<At<u16>>,
    /// Unknown caveats: `refuse` the token, or `skip` them. The specification, read literally, says `skip`.
    #[schemars(extend("default" = "refuse"))]
    pub(super) unknown_caveats: UnknownCaveats,
    /// Whether the node must have recorded the payment. With `false`, the preimage is enough.
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
    /// For the head of a client's request. At most `1h`.
    #[schemars(extend("default" = "30s"))]
    pub(super) request_head: Option<At<String>>,
    /// For a connection to an upstream, including the wait for a free one. At most `10m`.
    #[schemars(extend("default" = "5s"))]
    pub(super) connect: Option<At<String>>,
    /// From the end of the request to the head of the response. A model may need long. At most `1d`.
    #[schemars(extend("default" = "10m"))]
    pub(super) response: Option<At<String>>,
    /// Longest time without a byte in either body, without a byte taken by the client, or without a request on an HTTP/2
    /// connection. At most `1d`.
    #[schemars(extend("default" = "60s"))]
    pub(super) idle: Option<At<String>>,
    /// Longest time without a byte on an upgraded connection, such as a WebSocket. At most `30d`.
    #[schemars(extend("default" = "10m"))]
    pub(super) tunnel: Option<At<String>>,
    /// How long a response of unknown length, such as an event stream, may continue after its token has expired. A
    /// WebSocket ends with its token. At most `30d`.
    #[schemars(extend("default" = "10m"))]
    pub(super) after_grant: Option<At<String>>,
    /// How long an unused connection to an upstream is kept. Set it lower than the upstream's own. At most `1h`.
    #[schemars(extend("default" = "4s"))]
    pub(super) keep_alive: Option<At<String>>,
    /// Interval of connection tests to an idle upstream, so that nothing is sold while it is down. At most `1h`.
    #[schemars(extend("default" = "10s"))]
    pub(super) probe: Option<At<String>>,
    /// Time for running requests to end when the gateway stops. At most `1h`.
    #[schemars(extend("default" = "20s"))]
    pub(super) shutdown: Option<At<String>>,
}

/// What a route charges for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table with `unit` and `price`")]
pub(super) struct Meter {
    /// `byte`: of the response's body. `second`: from the head of the response to its end, and of a WebSocket. `token`: of a
    /// language model, as its response says.
    pub(super) unit: UnitWord,
    /// Price of `per` units, such as `1 sat`. For tokens, of those of the request.
    pub(super) price: At<String>,
    /// Price of `per` tokens of the response. Default: `price`.
    pub(super) output_price: Option<At<String>>,
    /// The number of units that the price is for. Default: 1.
    #[schemars(extend("default" = 1))]
    pub(super) per: Option<NonZeroU64>,
    /// Tokens: the most that one request is charged for. So much of the balance is held while it runs.
    pub(super) up_to: Option<NonZeroU64>,
    /// Tokens: where a response does not say its usage, or the client breaks it off, charges one token of the response for so much of
    /// its body that was delivered. An estimate, never above `up_to`. Default: all that is held is charged.
    #[schemars(extend("examples" = ["4 bytes"]))]
    pub(super) estimate: Option<At<String>>,
}

/// Where uses are counted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ledger {
    /// Which store counts. Default: `embedded`.
    pub(super) backend: Option<StoreName>,
    /// embedded: the file. Default: `ledger` in the data directory.
    pub(super) path: Option<At<PathBuf>>,
    /// redis, postgres: where it is, such as `redis://127.0.0.1:6379`, `rediss://` with TLS, or `postgres://user@host/database`; or the
    /// variable that holds this.
    pub(super) url: Option<At<Text>>,
    /// redis, postgres: PEM file with the certificate authorities to trust. Default: the public ones.
    pub(super) ca: Option<At<PathBuf>>,
    /// redis: what all keys begin with. Default: `l402`.
    pub(super) prefix: Option<At<String>>,
    /// redis: also starts if a restart of Redis forgets which tokens were used. Default: false.
    pub(super) may_lose_commits: Option<At<bool>>,
    /// postgres: the schema of the tables. Default: `l402`.
    pub(super) schema: Option<At<String>>,
    /// How long the last list of revoked tokens holds while the ledger does not answer. Then every paid request gets 503. At most `1d`.
    #[schemars(extend("default" = "1m"))]
    pub(super) deny_list_max_age: Option<At<String>>,
    /// embedded: what a counted use survives: `power`, a loss of power; `process`, only the end of the process. Default: `power`.
    pub(super) durability: Option<At<DurabilityWord>>,
}
