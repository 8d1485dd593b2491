//! Measure the time that the gateway adds to LND and to a payment. Run: `just bench-lnd`.
//!
//! 1. What is compared is measured in turns, in one run, on one network.
//! 2. Challenges per second through the gateway, beside `AddInvoice` per second of the same LND by a client that only calls it
//!    ([`raw`]), at the same number of requests in flight; and beside the backend by itself, which decodes and checks invoices.
//!    Turns are short, because LND's own pace differs by a third from second to second; ratios are medians of those of each round.
//! 3. The median of a whole sale (402, payment, 200), beside that of a bare payment between the same nodes: an invoice, made and
//!    paid. *Added* is the median of what the wallet did not spend on paying, less the median of what an invoice takes: the
//!    difference of the two medians is lost in how much payments differ.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the bench")]
#![allow(clippy::cast_precision_loss, reason = "counts of requests are small")]

mod lines;
mod raw;

use core::time::Duration;
use l402_core::Msat;
use std::time::Instant;

use interop::{Cell, Http, HttpVersion, Matrix, PRICE_MSAT, payee};
use l402_lightning::{InvoiceRequest, InvoiceSource as _, PayLimit, PayeeNode, PaymentSource as _};
use l402_regtest::NodeKind;
use tokio::task::JoinSet;

use crate::lines::Lines;
use crate::raw::Raw;

#[tokio::main(flavor = "current_thread")]
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
    let add = move |_| {
        let raw = raw.clone();
        async move { raw.add_invoice(REQUEST.amount_msat.get(), REQUEST.description, REQUEST.expiry).await }
    };
    let bare = move |_| {
        let lnd = lnd.clone();
        async move { drop(lnd.create_invoice(REQUEST).await.unwrap()) }
    };
    println!("\n{:>9} {:>12} {:>9} {:>12}", "in flight", "AddInvoice/s", "backend/s", "challenges/s");
    for in_flight in IN_FLIGHT {
        let (mut added, mut invoices, mut challenges) = (Vec::new(), Vec::new(), Vec::new());
        let lines = Lines::open(matrix.uri(cell), in_flight).await;
        let sold = move |line| {
            let lines = lines.clone();
            async move { lines.unpaid(line).await }
        };
        per_second(in_flight, &add).await; // connections and caches reach their size
        per_second(in_flight, &sold).await;
        for round in 0..ROUNDS {
            // LND gets slower with the invoices that it has: the order changes.
            for turn in 0..3 {
                match (round + turn) % 3 {
                    0 => added.push(per_second(in_flight, &add).await),
                    1 => invoices.push(per_second(in_flight, &bare).await),
                    _ => challenges.push(per_second(in_flight, &sold).await),
                }
            }
        }
        let [of_added, of_invoices] = [&added, &invoices].map(|others| {
            median(challenges.iter().zip(others).map(|(challenges, others)| challenges / others).collect())
        });
        let [added, invoices, challenges] = [added, invoices, challenges].map(median);
        print!("{in_flight:>9} {added:>12.0} {invoices:>9.0} {challenges:>12.0}");
        println!(" = {of_added:.2} of AddInvoice, {of_invoices:.2} of the backend");
    }
}

/// Does something again and again for a round, so many at a time, and returns how often a second.
async fn per_second<F>(in_flight: usize, once: &(impl Fn(usize) -> F + Clone + Send + 'static)) -> f64
where
    F: Future<Output = ()> + Send,
{
    let (begun, mut running) = (Instant::now(), JoinSet::new());
    for place in 0..in_flight {
        let once = once.clone();
        running.spawn(async move {
            let mut done = 0_u32;
            while begun.elapsed() < ROUND {
                once(place).await;
                done += 1;
            }
            done
        });
    }
    let done: u32 = running.join_all().await.into_iter().sum();
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
async fn pay(matrix: &Matrix, cell: Cell, payee: &PayeeNode) -> (f64, f64) {
    let begun = Instant::now();
    let invoice = payee.create_invoice(REQUEST).await.unwrap();
    let made = begun.elapsed();
    matrix.wallet(cell).pay(&invoice, PayLimit::fee(Msat::new(10_000))).await.unwrap();
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
    InvoiceRequest { amount_msat: Msat::new(PRICE_MSAT), description: "bare", expiry: Duration::from_mins(10) };
const IN_FLIGHT: [usize; 2] = [8, 64];
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 30;
const SALES: usize = 10;
