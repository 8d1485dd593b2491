//! The running gateway over real sockets, in front of real upstreams. The Lightning node is a fake that moves no money.

mod closing;
mod limits;
mod outage;
mod pages;
mod rates;
mod revoked;
mod rotated;
mod routes;
mod sale;
mod stop;
mod support;
