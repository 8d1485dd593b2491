//! What is wrong with LND or with our access to it, in the operator's words.

use super::connect_error::ConnectError;
use super::material::ExposedFile;
use super::permission::Permission;
use super::rpc::{Call, Needs};
use super::socket::Socket;
use core::error::Error;
use core::fmt;
use core::time::Duration;
use l402_lightning::{Cause, Network};
use tonic::{Code, Status};

/// Why LND does not do what it is asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum LndError {
    /// Nothing answers at the address.
    Unreachable {
        /// The address.
        socket: Socket,
        /// Why.
        cause: ConnectError,
    },
    /// TLS cannot use the certificate that was configured.
    UnusableCertificate(Cause),
    /// What answers at the address shows another certificate.
    WrongCertificate {
        /// The address.
        socket: Socket,
        /// What TLS says about it; it is no source, since it misleads: it speaks of the second way to trust alone.
        cause: ConnectError,
    },
    /// The connection broke.
    Disconnected(Cause),
    /// LND did not answer in time. It may be busy, stopped, or not there.
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// LND has no wallet yet.
    NoWallet,
    /// LND's wallet is locked.
    Locked,
    /// LND has not finished starting.
    Starting,
    /// LND does not see the end of the chain.
    NotSynced,
    /// LND is on another chain than the one that was configured.
    WrongNetwork {
        /// The chain that was configured.
        expected: Network,
        /// The chain that LND is on.
        found: Network,
    },
    /// LND is on a chain that nothing here knows, such as simnet.
    UnsupportedNetwork,
    /// The macaroon does not allow what is needed.
    Denied(Permission),
    /// Every user of the machine can read the macaroon, which pays.
    ExposedMacaroon(ExposedFile),
    /// LND does not accept the macaroon: it is another node's, was revoked, or a caveat of it does not hold.
    MacaroonRejected(Box<str>),
    /// What answers speaks gRPC, and is not LND.
    NotLnd,
    /// LND's answer means nothing.
    Malformed,
    /// LND refused for a reason of its own.
    Refused(LndRefusal),
}

impl LndError {
    /// Tells whether it may pass without anybody changing a setting: LND is away, locked, starting or behind.
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Disconnected(_)
                | Self::TimedOut { .. }
                | Self::NoWallet
                | Self::Locked
                | Self::Starting
                | Self::NotSynced
        )
    }

    /// Whether LND may have seen the request, and nothing says what it made of it.
    pub(super) const fn is_lost(&self) -> bool {
        matches!(self, Self::Disconnected(_) | Self::TimedOut { .. })
    }

    /// Whether LND has looked at the request and has not said why it does not do it in a way that is understood.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Malformed | Self::NotLnd)
    }

    /// Whether LND knows nothing of what was asked for.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(LndRefusal { code: Code::NotFound, .. }))
    }

    /// Whether LND has done before, or is doing, what was asked for.
    pub(super) fn is_repeated(&self) -> bool {
        matches!(self, Self::Refused(LndRefusal { code: Code::AlreadyExists, .. }))
    }

    /// Says what a status means that came instead of an answer.
    pub(super) fn of<C: Call>(status: Status, socket: &Socket) -> Self {
        match caused_by::<ConnectError>(&status) {
            Some(cause) if cause.is_certificate() => {
                Self::WrongCertificate { socket: socket.clone(), cause: cause.clone() }
            }
            Some(cause) => Self::Unreachable { socket: socket.clone(), cause: cause.clone() },
            None if status.source().is_some() => Self::Disconnected(TransportError(status).into()),
            None => refusal(status.code(), status.message(), C::NEEDS),
        }
    }
}

/// LND puts most of what it has to say into the text of a status whose code is 2, unknown.
fn refusal(code: Code, message: &str, needs: Option<Needs>) -> LndError {
    let says = |part: &str| message.contains(part);
    match (code, needs) {
        (_, Some(needs)) if says("permission denied") => LndError::Denied(Permission::new(needs)),
        _ if says("wallet locked") => LndError::Locked,
        _ if says("wallet not created") => LndError::NoWallet,
        _ if STARTING.iter().any(|part| says(part)) => LndError::Starting,
        _ if MACAROON.iter().any(|part| says(part)) => LndError::MacaroonRejected(shortened(message)),
        (Code::Unimplemented, _) => LndError::NotLnd,
        (Code::DataLoss | Code::Internal, _) if says("decode") => LndError::Malformed,
        (Code::Unavailable | Code::Cancelled, _) => LndError::Disconnected(String::from(shortened(message)).into()),
        _ => LndError::Refused(LndRefusal { code, message: shortened(message) }),
    }
}

/// What a log line can hold, in one line.
fn shortened(message: &str) -> Box<str> {
    message.chars().filter(|c| !c.is_control()).take(300).collect::<String>().into()
}

fn caused_by<E: Error + 'static>(fault: &dyn Error) -> Option<&E> {
    let mut next = fault.source();
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

impl fmt::Display for LndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { socket, .. } => write!(f, "cannot reach LND at {socket}"),
            Self::WrongCertificate { socket, .. } => {
                write!(f, "the server at {socket} presents another certificate than the configured one")
            }
            Self::UnusableCertificate(_) => f.write_str("TLS cannot use the certificate that was configured for LND"),
            Self::Disconnected(_) => f.write_str("the connection to LND broke"),
            Self::TimedOut { after } => write!(f, "no response from LND within {} ms", after.as_millis()),
            Self::NoWallet => f.write_str("LND has no wallet; create one with `lncli create`"),
            Self::Locked => f.write_str("LND's wallet is locked; unlock it with `lncli unlock`"),
            Self::Starting => f.write_str("LND is starting"),
            Self::NotSynced => f.write_str("LND is still syncing with the chain"),
            Self::WrongNetwork { expected, found } => write!(f, "LND is on {found}, not on {expected}"),
            Self::UnsupportedNetwork => f.write_str("LND is on a network that is not supported"),
            Self::Denied(permission) => write!(f, "the macaroon lacks the permission {permission}"),
            Self::ExposedMacaroon(file) => write!(f, "the macaroon pays, and {file}"),
            Self::MacaroonRejected(message) => write!(f, "LND does not accept the macaroon: {message}"),
            Self::NotLnd => f.write_str("this is not LND's gRPC interface, which usually has port 10009"),
            Self::Malformed => f.write_str("invalid response from LND"),
            Self::Refused(refusal) => write!(f, "LND refused: {}", refusal.message),
        }
    }
}

impl Error for LndError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable { cause, .. } => Some(cause), // of a wrong certificate TLS tells nothing that helps
            Self::UnusableCertificate(cause) | Self::Disconnected(cause) => Some(&**cause),
            _ => None,
        }
    }
}

/// A refusal of LND's that has no meaning of its own here.
#[derive(Debug)]
pub struct LndRefusal {
    code: Code,
    message: Box<str>,
}

impl LndRefusal {
    /// Returns what LND says, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// A connection that broke, told by its first cause instead of by all of them.
#[derive(Debug)]
struct TransportError(Status);

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cause: &dyn Error = &self.0;
        while let Some(next) = cause.source() {
            cause = next;
        }
        fmt::Display::fmt(cause, f)
    }
}

impl Error for TransportError {}

const STARTING: [&str; 3] = ["in the process of starting", "waiting to start", "server is still"];
const MACAROON: [&str; 5] = [
    "verification failed",
    "cannot get macaroon",
    "expected 1 macaroon",
    "cannot determine data format",
    "macaroon store",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::AddInvoiceRequest;

    #[test]
    fn what_lnd_says_is_sorted() {
        let of = |code, message: &str| {
            LndError::of::<AddInvoiceRequest>(Status::new(code, message), &"lnd:1".parse().unwrap())
        };
        for (code, message, expected) in [
            (Code::Unknown, "permission denied", "the macaroon lacks the permission invoices:write"),
            (Code::Unknown, "wallet locked, unlock it to enable full RPC access", "wallet is locked"),
            (Code::Unknown, "wallet not created, create one to enable full RPC access", "LND has no wallet"),
            (
                Code::Unknown,
                "the RPC server is in the process of starting up, but not yet ready to accept calls",
                "LND is starting",
            ),
            (Code::Unknown, "waiting to start, RPC services not available", "LND is starting"),
            (
                Code::Unknown,
                "verification failed: signature mismatch after caveat verification",
                "LND does not accept the macaroon: verification failed",
            ),
            (Code::Unknown, "cannot get macaroon: root key with id 7 doesn't exist", "does not accept the macaroon"),
            (Code::Unimplemented, "unknown service", "not LND's gRPC interface"),
            (Code::Unavailable, "transport is closing", "the connection to LND broke"),
            (Code::Unknown, "self-payments\nnot allowed", "LND refused: self-paymentsnot allowed"),
        ] {
            let fault = of(code, message);
            assert!(fault.to_string().contains(expected), "{message}: {fault}");
        }
        assert!(of(Code::Unknown, "wallet locked, unlock it").is_temporary());
        assert!(!of(Code::Unknown, "permission denied").is_temporary());
    }
}
