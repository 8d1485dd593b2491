//! The table `[limits]` as it is written.

use crate::config::at::At;
use schemars::JsonSchema;
use serde::Deserialize;

/// Limits on connections and requests. The gateway raises the limit of open files (`ulimit -n`) as far as the system
/// allows, and lowers what does not fit.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Limits {
    /// Connections of all clients. Default: 16,384 per thread, or half of what the system allows.
    pub(in crate::config) connections: Option<At<u32>>,
    /// Connections of one client, with tunnels. Default: a quarter of `connections`. A proxy in `trusted_proxies` has
    /// no such limit.
    pub(in crate::config) connections_per_client: Option<At<u32>>,
    /// Running requests of one client; one more gets 429. Default: a quarter of `upstream_connections`. A proxy in
    /// `trusted_proxies` has no such limit.
    pub(in crate::config) requests_per_client: Option<At<u32>>,
    /// Connections to all upstreams. Default: 16,384 per thread, or half of what the system allows. A request that gets
    /// none within `timeouts.connect` gets 503.
    pub(in crate::config) upstream_connections: Option<At<u32>>,
    /// Number of leading bits of an IPv4 address that identify a client.
    #[schemars(range(min = 1, max = 32))]
    #[schemars(extend("default" = 32))]
    pub(in crate::config) ipv4_prefix: Option<At<u32>>,
    /// The same for an IPv6 address.
    #[schemars(range(min = 1, max = 128))]
    #[schemars(extend("default" = 64))]
    pub(in crate::config) ipv6_prefix: Option<At<u32>>,
    /// Headers in one HTTP/1.1 request; more get 431, and more in a response become a 502. HTTP/2 allows 64 KiB of
    /// headers.
    #[schemars(range(min = 16, max = 4096))]
    #[schemars(extend("default" = 100))]
    pub(in crate::config) header_fields: Option<At<u32>>,
    /// Bytes per second that a client must send of a body, on average over `timeouts.idle`, while the upstream takes
    /// them. With `0`, and always for gRPC, one byte per idle time is enough.
    #[schemars(extend("default" = 16))]
    pub(in crate::config) slowest_upload: Option<At<u32>>,
    /// Challenges, and so invoices, for one client, such as `60/m`: so many may come at once, and are free again evenly in that time. One
    /// more gets 429. `off`: no limit. Behind a proxy in `trusted_proxies`, the client is whom that proxy names.
    #[schemars(extend("default" = "3000/m"))]
    pub(in crate::config) challenges_per_client: Option<At<String>>,
    /// Challenges for all clients together.
    #[schemars(extend("default" = "60000/m"))]
    pub(in crate::config) challenges: Option<At<String>>,
    /// Invoices that may be open at once, if the node stores each, as LND does; 0 for no limit. One client can have a twentieth of them.
    #[schemars(range(max = 1_000_000))]
    #[schemars(extend("default" = 10_000))]
    pub(in crate::config) unpaid_invoices: Option<At<u32>>,
    /// Bytes of the body of an answer that `keep_answer` keeps; longer ones are not kept.
    #[schemars(extend("default" = 1_048_576))]
    pub(in crate::config) keep_size: Option<At<u32>>,
    /// Bytes of all kept answers. When they are there, no more are kept until some end.
    #[schemars(extend("default" = 1_073_741_824))]
    pub(in crate::config) keep_total: Option<At<u64>>,
}
