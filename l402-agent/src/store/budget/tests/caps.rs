//! Tests of caps, of limits that change, and of the policy.

use super::*;
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{InvoiceRequest, InvoiceSource as _};

#[test]
fn a5_payments_under_way_are_capped_at_each_origin() {
    let desk = Desk::new();
    let limits = Limits { origin_in_flight: Some(1), origin_reserved_msat: sat(1_000), ..FREE };
    let research = desk.make("research", MAIN, limits);
    let open = desk.payments.begin(intent(1), &research).unwrap();
    let refused = desk.refused(2, &research).unwrap();
    assert!(refused.starts_with("research: 1 payments at this origin have no outcome yet"), "{refused}");
    let elsewhere = Intent { origin: "http://b".parse().unwrap(), ..intent(3) };
    drop(desk.payments.begin(elsewhere, &research).unwrap());
    open.paid(&kept(1, 0)).unwrap();
    assert_eq!(desk.refused(2, &research), None, "what has an outcome is not under way");

    let tight = desk.make("tight", MAIN, Limits { origin_reserved_msat: sat(40), ..FREE });
    let open = desk.payments.begin(intent(4), &tight).unwrap();
    let refused = desk.refused(5, &tight).unwrap();
    assert!(refused.starts_with("tight: 25 of 40 sat in payments without an outcome at this origin"), "{refused}");
    open.close(Closing::Forgotten).unwrap();
    assert_eq!(desk.refused(5, &tight), None);
}

#[test]
fn a5_all_origins_that_are_not_listed_share_a_cap() {
    let desk = Desk::new();
    let path = desk.home.path().join("data/policy.toml");
    std::fs::write(&path, "unlisted = 'allow'\n[[allow]]\norigins = ['http://*.listed']").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let research = desk.make("research", MAIN, Limits { unlisted_msat: sat(60), ..FREE });
    let begin = |seed: u8, origin: &str| {
        let intent = Intent { origin: origin.parse().unwrap(), ..intent(seed) };
        desk.payments.begin(intent, &research).map_err(|fault| fault.to_string())
    };
    for seed in 1..5 {
        drop(begin(seed, &format!("http://w{seed}.listed")).unwrap());
    }
    let first = begin(11, "http://w1.dns").unwrap();
    drop(begin(12, "http://w2.dns").unwrap());
    let refused = begin(13, "http://w3.dns").unwrap_err();
    assert!(refused.starts_with("research: 50 of 60 sat at all origins that are not listed"), "{refused}");
    drop(begin(14, "http://w5.listed").unwrap());
    first.close(Closing::NotPaid).unwrap();
    assert_eq!(desk.budgets.show("research").unwrap().unlisted.counted_msat(), Msat::from_sat(25));
    // An origin that is listed later counts where it did when its payment began.
    let open = begin(15, "http://w6.dns").unwrap();
    std::fs::write(&path, "unlisted = 'allow'\n[[allow]]\norigins = ['http://*.listed', 'http://*.dns']").unwrap();
    open.close(Closing::NotPaid).unwrap();
    assert_eq!(desk.budgets.show("research").unwrap().unlisted.counted_msat(), Msat::from_sat(25));
}

#[test]
fn a8_what_routing_costs_and_locks_is_capped_in_the_budget_and_above() {
    let desk = Desk::new();
    let top = desk.make("top", MAIN, Limits { fee_msat: sat(3), cltv: Some(144), ..FREE });
    let below = desk.make("below", "top", Limits { fee_ppm: Some(100_000), ..FREE });
    let begin = |payer: &Payer, fee, cltv| {
        let order = Order { max_fee_msat: Msat::new(fee), max_cltv_expiry_delta: cltv, ..intent(1).order.unwrap() };
        match desk.payments.begin(Intent { order: Some(order), ..intent(1) }, payer) {
            Ok(open) => open.close(Closing::NotPaid).map_err(|fault| fault.to_string()),
            Err(fault) => Err(fault.to_string()),
        }
    };
    assert_eq!(begin(&top, 3_000, 144), Ok(()));
    let fee = "top: routing may cost 3 sat, and could cost 3.001 sat; allow less with --max-fee";
    assert_eq!(begin(&top, 3_001, 144).unwrap_err(), fee);
    assert_eq!(begin(&below, 2_100, 144), Ok(()), "a tenth of 21 sat");
    assert!(begin(&below, 2_101, 144).unwrap_err().starts_with("below: routing may cost 2.1 sat"));
    assert!(begin(&below, 0, 145).unwrap_err().starts_with("top: money may be locked for 144 blocks"));
    let least = Limits { fee_msat: sat(3), fee_ppm: Some(100_000), cltv: Some(144), ..FREE };
    assert_eq!(desk.budgets.route_limits(below.budget).unwrap(), least);

    let order =
        |fee| Order { max_fee_msat: Msat::from_sat(fee), max_cltv_expiry_delta: 144, ..intent(1).order.unwrap() };
    let mut open = desk.payments.begin(Intent { order: Some(order(2)), ..intent(2) }, &below).unwrap();
    desk.budgets.set_limits("top", |limits| Limits { fee_msat: sat(1), ..limits }, NewEnd::AsBefore).unwrap();
    open.repeat(&order(2)).expect("the wallet was asked for it before");
    assert!(matches!(open.repeat(&order(3)), Err(PaymentsError::Refused(_))));
}

#[test]
fn a5_limits_are_raised_and_lowered_and_what_was_spent_stays() {
    let desk = Desk::new();
    let research = desk.make("research", MAIN, Limits { total_msat: sat(30), ..FREE });
    desk.payments.begin(intent(1), &research).unwrap().paid(&kept(1, 0)).unwrap();
    let set = |total| {
        let all = |limits| Limits { total_msat: total, ..limits };
        desk.budgets.set_limits("research", all, NewEnd::AsBefore).unwrap();
        desk.refused(2, &research)
    };
    assert!(set(sat(45)).unwrap().starts_with("research: 21 of 45 sat in total"));
    assert_eq!(set(sat(46)), None);
    assert!(set(sat(5)).unwrap().starts_with("research: 21 of 5 sat in total"), "totals never fall");
    assert_eq!(set(None), None);
    desk.budgets.set_limits("research", |limits| limits, NewEnd::In(Duration::from_secs(9))).unwrap();
    desk.clocks.pass(Duration::from_secs(9));
    assert!(desk.refused(2, &research).unwrap().ends_with("has expired"));
    desk.budgets.set_limits("research", |limits| limits, NewEnd::Never).unwrap();
    assert_eq!(desk.refused(2, &research), None);
    assert!(matches!(desk.budgets.set_limits("none", |limits| limits, NewEnd::Never), Err(BudgetError::Unknown)));
}

#[test]
fn a5_a_payment_is_judged_by_the_policy_as_it_is_when_it_begins() {
    let desk = Desk::new();
    let research = desk.make("research", MAIN, FREE);
    let path = desk.home.path().join("data/policy.toml");
    let write = |text: &str| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    assert_eq!(desk.refused(1, &research), None);
    write("[[allow]]\norigins = ['http://a']\nbudgets = ['research']\nmax_per_call = '42 sat'");
    assert_eq!(desk.refused(1, &research), None);
    let other = "http://a: the policy allows this origin for other budgets only";
    assert_eq!(desk.refused(1, &payer(BudgetId::MAIN, 1)).as_deref(), Some(other));
    let _one = desk.payments.begin(intent(1), &research).unwrap();
    let _two = desk.payments.begin(intent(2), &research).unwrap();
    let over = "http://a: the call costs 63 sat, and the policy allows 42 sat at this origin";
    assert_eq!(desk.refused(3, &research).as_deref(), Some(over), "all payments of a call count");
    assert_eq!(desk.refused(3, &payer(research.budget, 2)), None, "of another call");
    write("");
    assert!(desk.refused(4, &research).unwrap().contains("has not agreed"), "nobody is asked here");
    write("unlistd = 'allow'");
    let fault = desk.payments.begin(intent(4), &research).unwrap_err();
    assert!(matches!(fault, PaymentsError::Policy(_)), "{fault}");
    assert_eq!(desk.budgets.show("research").unwrap().total.in_flight, 2, "nothing was begun");
}

/// An intent whose invoice is of a node.
fn invoiced(node: &FakeNode, seed: u8, origin: &str) -> Intent {
    let request = InvoiceRequest { amount_msat: Msat::from_sat(21), description: "", expiry: Duration::from_hours(1) };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let invoice = runtime.block_on(node.create_invoice(request)).unwrap();
    let order = Order { invoice: invoice.bolt11().to_owned(), ..intent(seed).order.unwrap() };
    Intent { payment_hash: invoice.payment_hash(), origin: origin.parse().unwrap(), order: Some(order), ..intent(seed) }
}

#[test]
fn a10_another_node_is_noted_and_confirmed_where_it_was_paid_elsewhere() {
    let desk = Desk::new();
    let network = FakeNetwork::new();
    let [one, two, three, four] = [network.node(), network.node(), network.node(), network.node()];
    let me = payer(BudgetId::MAIN, 1);
    let events = || -> i64 {
        let count = "SELECT count(*) FROM events WHERE what LIKE '%has another node paid%'";
        desk.database.read(|tx| tx.query_row(count, [], |row| row.get(0))).unwrap()
    };
    let begin = |node, seed, origin| desk.payments.begin(invoiced(node, seed, origin), &me).map(drop);
    begin(&one, 1, "http://a").unwrap();
    begin(&one, 2, "http://a").unwrap();
    begin(&two, 3, "http://b").unwrap();
    assert_eq!(events(), 0, "each origin has its first node paid");
    begin(&three, 4, "http://a").unwrap();
    begin(&three, 5, "http://a").unwrap();
    assert_eq!(events(), 1, "once");
    let refused = begin(&two, 6, "http://a").unwrap_err().to_string();
    assert!(refused.contains("another node than before, which was paid for another origin"), "{refused}");
    assert_eq!(events(), 1);
    begin(&two, 7, "http://b").unwrap();

    let path = desk.home.path().join("data/policy.toml");
    std::fs::write(&path, "unlisted = 'allow'\n[payees]\npin = 'first-use'").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let refused = begin(&four, 8, "http://b").unwrap_err().to_string();
    assert!(refused.starts_with("http://b: the invoice is of another node than those"), "{refused}");
    begin(&two, 9, "http://b").unwrap();
}
