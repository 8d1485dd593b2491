//! What the gateway adds to what LND and a payment take by themselves. Run: `just bench-lnd`.
//!
//! 1. What is compared is measured in turns, in one run, on one network, in one process.
//! 2. Challenges per second through the gateway, beside `AddInvoice` per second of the same LND by a client that only calls it
//!    ([`raw`]), at the same number of requests in flight; and beside the backend by itself, which decodes and checks invoices.
//! 3. The median of a whole sale (402, payment, 200), beside that of a bare payment between the same nodes: an invoice, made and
//!    paid. *Added* is the median of what the wallet did not spend on paying, less the median of what an invoice takes: the
//!    difference of the two medians is lost in how much payments differ.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the bench")]
#![allow(clippy::cast_precision_loss, reason = "counts of requests are small")]

mod raw;

use core::time::Duration;
use std::time::Instant;

use http::{StatusCode, Uri};
use http_body_util::BodyExt as _;
use interop::{Cell, Http, HttpVersion, Matrix, PRICE_MSAT, payee};
use l402_lightning::{InvoiceRequest, InvoiceSource as _, PayLimit, PaymentSource as _};
use l402_regtest::NodeKind;
use l402_server::lightning::Node;
use tokio::task::JoinSet;

use crate::raw::Raw;

#[tokio::main]
async fn main() {
    let begun = Instant::now();
    let matrix = Matrix::start().await;
    let profile = if cfg!(debug_assertions) { "built without optimisation" } else { "built with optimisation" };
    println!("{profile}; the network stands after {:.1?}", begun.elapsed());
    challenges(&matrix).await;
    sales(&matrix).await;
    println!("\n{:.0?} in all", begun.elapsed());
    matrix.stop().await;
}

/// Rule 2.
async fn challenges(matrix: &Matrix) {
    let cell = Cell { gateway: NodeKind::Lnd, wallet: NodeKind::Lnd, hops: 0, http: HttpVersion::One };
    let lnd = payee(matrix.network(), cell.payee()).await;
    let raw = Raw::connect(matrix.network().lnd(cell.payee())).await;
    let (http, uri) = (Http::new(cell.http), matrix.uri(cell));
    let add = || {
        let raw = raw.clone();
        async move { raw.add_invoice(REQUEST.amount_msat, REQUEST.description, REQUEST.expiry).await }
    };
    let bare = || {
        let lnd = lnd.clone();
        async move { drop(lnd.create_invoice(REQUEST).await.unwrap()) }
    };
    let sold = || {
        let (http, uri) = (http.clone(), uri.clone());
        async move { unpaid(&http, &uri).await }
    };
    println!("\n{:>9} {:>12} {:>10} {:>12} {:>6}", "in flight", "AddInvoice/s", "backend/s", "challenges/s", "ratio");
    for in_flight in IN_FLIGHT {
        let (mut added, mut invoices, mut challenges) = (Vec::new(), Vec::new(), Vec::new());
        per_second(in_flight, &add).await; // connections and caches reach their size
        per_second(in_flight, &sold).await;
        for round in 0..ROUNDS {
            // LND gets slower with the invoices that it has: nobody is always first.
            for turn in 0..3 {
                match (round + turn) % 3 {
                    0 => added.push(per_second(in_flight, &add).await),
                    1 => invoices.push(per_second(in_flight, &bare).await),
                    _ => challenges.push(per_second(in_flight, &sold).await),
                }
            }
        }
        let [added, invoices, challenges] = [added, invoices, challenges].map(median);
        println!("{in_flight:>9} {added:>12.0} {invoices:>10.0} {challenges:>12.0} {:>6.2}", challenges / added);
    }
}

async fn unpaid(http: &Http, uri: &Uri) {
    let answer = http.get(uri).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYMENT_REQUIRED);
    answer.into_body().collect().await.unwrap();
}

/// Does something again and again for a round, so many at a time, and returns how often a second.
async fn per_second<F>(in_flight: usize, once: &(impl Fn() -> F + Clone + Send + Sync)) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let (begun, mut running, mut done) = (Instant::now(), JoinSet::new(), 0_u32);
    for _ in 0..in_flight {
        running.spawn(once());
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
        done += 1;
        if begun.elapsed() < ROUND {
            running.spawn(once());
        }
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}

/// Rule 3.
async fn sales(matrix: &Matrix) {
    let clients = HttpVersion::ALL.map(Http::new);
    println!("\nmedian milliseconds of {SALES}");
    println!(
        "{:<21} {:>7} {:>9} {:>9} {:>9} {:>9}",
        "gateway  wallet  hops", "bare", "HTTP/1.1", "added", "HTTP/2", "added"
    );
    for row in Cell::all().chunks(clients.len()) {
        let node = payee(matrix.network(), row[0].payee()).await;
        let (mut invoices, mut bare) = (Vec::new(), Vec::new());
        let mut sold = HttpVersion::ALL.map(|_| (Vec::new(), Vec::new()));
        for _ in 0..SALES {
            let (invoice, payment) = pay(matrix, row[0], &node).await;
            invoices.push(invoice);
            bare.push(invoice + payment);
            for ((cell, http), (whole, rest)) in row.iter().zip(&clients).zip(&mut sold) {
                let sale = matrix.sell(*cell, http).await.unwrap_or_else(|fault| panic!("{cell}: {fault}"));
                whole.push(milliseconds(sale.handshake));
                rest.push(milliseconds(sale.handshake) - milliseconds(sale.payment));
            }
        }
        let invoice = median(invoices);
        print!("{:<21} {:>7.1}", row[0].route(), median(bare));
        for (whole, rest) in sold {
            print!(" {:>9.1} {:>9.1}", median(whole), median(rest) - invoice);
        }
        println!();
    }
}

/// Pays without a gateway. Returns the milliseconds for the invoice and for the payment.
async fn pay(matrix: &Matrix, cell: Cell, payee: &Node) -> (f64, f64) {
    let begun = Instant::now();
    let invoice = payee.create_invoice(REQUEST).await.unwrap();
    let made = begun.elapsed();
    matrix.wallet(cell).pay(&invoice, PayLimit::fee(10_000)).await.unwrap();
    (milliseconds(made), milliseconds(begun.elapsed()) - milliseconds(made))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] }
}

const REQUEST: InvoiceRequest<'static> =
    InvoiceRequest { amount_msat: PRICE_MSAT, description: "bare", expiry: Duration::from_mins(10) };
const IN_FLIGHT: [usize; 2] = [8, 64];
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 6;
const SALES: usize = 10;
