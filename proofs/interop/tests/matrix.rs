//! Every gateway sells to every wallet: 402, payment, 200, and the token is worth something the second time.

use core::time::Duration;
use std::time::Instant;

use interop::{Cell, Http, HttpVersion, Matrix};
use tokio::time::timeout;

/// One network holds all cells, one after another, so that what is measured is a sale alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn every_gateway_sells_to_every_wallet_over_every_distance() {
    let begun = Instant::now();
    let matrix = Matrix::start().await;
    println!("the network and its gateways stand after {:.1?}", begun.elapsed());

    let clients = HttpVersion::ALL.map(Http::new);
    let mut red = Vec::new();
    println!("\nmilliseconds from the request to what was paid for");
    println!("gateway  wallet  hops {:>9} {:>9}", HttpVersion::One, HttpVersion::Two);
    for row in Cell::all().chunks(clients.len()) {
        print!("{}", row[0].route());
        for (cell, http) in row.iter().zip(&clients) {
            let sold = timeout(PATIENCE, matrix.sell(*cell, http)).await;
            match sold.unwrap_or_else(|late| Err(late.to_string())) {
                Ok(sale) => print!(" {:>9}", sale.handshake.as_millis()),
                Err(fault) => {
                    print!(" {:>9}", "red");
                    red.push(format!("{cell}: {fault}"));
                }
            }
        }
        println!();
    }
    println!("{} cells, {} red, {:.1?} in all\n", Cell::all().len(), red.len(), begun.elapsed());
    assert!(red.is_empty(), "{}", red.join("\n"));
    matrix.stop().await;
}

/// The longest that a sale may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
