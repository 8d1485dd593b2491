//! A9: callers at the same time, in one process or several, share what was bought; and whose a token is.

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

mod cancel;
mod shop;

use core::time::Duration;
use http::Request;
use l402_agent::store::budget::{MAIN, NewBudget};
use l402_agent::{Agent, AgentBuilder, CredentialUsed};
use l402_core::purchase::Limits;
use l402_lightning::testing::FakeNetwork;
use shop::{Shop, Slow};
use std::sync::Arc;
use tokio::task::JoinSet;

/// A shop, and a wallet that several agents pay from.
struct World {
    shop: Shop,
    wallet: Arc<Slow>,
    data: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let network = FakeNetwork::new();
        let wallet = Arc::new(Slow::new(network.node(), Duration::from_millis(50)));
        Self { shop: Shop::open(network.node()).await, wallet, data: tempfile::tempdir().unwrap() }
    }

    /// Each has a connection and locks of its own, as another process has.
    fn builder(&self) -> AgentBuilder<Slow> {
        Agent::builder(self.data.path().join("data"), Arc::clone(&self.wallet), "slow")
    }

    fn agent(&self) -> Agent<Slow> {
        self.builder().build().unwrap()
    }

    fn of_budget(&self, name: &str) -> Agent<Slow> {
        self.builder().budget(name).build().unwrap()
    }

    fn make(&self, name: &str, parent: &str) {
        let (name, parent) = (name.parse().unwrap(), parent.to_owned());
        let new = NewBudget { name, parent, limits: Limits::default(), expires_in: None };
        self.agent().budgets().make(&new).unwrap();
    }

    async fn get(&self, agent: &Agent<Slow>, path: &str) -> CredentialUsed {
        get(agent.clone(), self.shop.url(path)).await
    }

    async fn all_at_once(&self, agents: &[Agent<Slow>], calls: usize, path: &str) {
        let mut running = JoinSet::new();
        for agent in agents.iter().cycle().take(calls) {
            running.spawn(get(agent.clone(), self.shop.url(path)));
        }
        running.join_all().await;
    }
}

async fn get(agent: Agent<Slow>, url: String) -> CredentialUsed {
    let fetched = agent.fetch(Request::get(url).body(()).unwrap()).await.unwrap();
    assert_eq!(fetched.response.status(), 200);
    let credential = fetched.credential;
    assert_eq!(fetched.bytes(100).await.unwrap(), "sunny");
    credential
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a9_sixty_four_calls_at_once_make_as_many_purchases_as_their_uses_need() {
    for (path, purchases) in [("/1", 64), ("/10", 7), ("/unlimited", 1)] {
        let world = World::new().await;
        world.all_at_once(&[world.agent()], 64, path).await;
        assert_eq!((world.wallet.payments_sent(), world.shop.refusals()), (purchases, 0), "{path}, one process");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a9_sixty_four_calls_of_eight_agents_on_one_store_do_too() {
    for (path, purchases) in [("/1", 64), ("/10", 7), ("/unlimited", 1)] {
        let world = World::new().await;
        let agents: Vec<_> = (0..8).map(|_| world.agent()).collect();
        world.all_at_once(&agents, 64, path).await;
        assert_eq!((world.wallet.payments_sent(), world.shop.refusals()), (purchases, 0), "{path}");
    }
}

#[tokio::test]
async fn a9_a_counted_token_is_used_by_its_budget_alone() {
    let world = World::new().await;
    world.make("one", MAIN);
    world.make("two", MAIN);
    world.agent().budgets().share_tokens(MAIN, true).unwrap();
    for (name, payments) in [("one", 1), ("two", 2), (MAIN, 3), ("one", 3), ("two", 3), (MAIN, 3)] {
        world.get(&world.of_budget(name), "/10").await;
        assert_eq!(world.wallet.payments_sent(), payments, "{name}");
    }
}

#[tokio::test]
async fn a9_an_unlimited_token_is_used_by_another_budget_where_the_parent_says_so() {
    for is_shared in [false, true] {
        let world = World::new().await;
        world.make("team", MAIN);
        world.make("one", "team");
        world.make("two", "team");
        world.agent().budgets().share_tokens("team", is_shared).unwrap();
        world.get(&world.of_budget("one"), "/unlimited").await;
        let used = world.get(&world.of_budget("two"), "/unlimited").await;
        assert_eq!(used == CredentialUsed::Kept, is_shared);
        assert_eq!(world.wallet.payments_sent(), if is_shared { 1 } else { 2 });
        assert_eq!(world.get(&world.agent(), "/unlimited").await, CredentialUsed::Bought, "main does not share");
    }
}

#[tokio::test]
async fn a9_what_is_imported_is_the_owners() {
    let bought = World::new().await;
    bought.get(&bought.agent(), "/unlimited").await;
    let tokens = bought.agent().tokens().all().unwrap();
    let world = World { data: tempfile::tempdir().unwrap(), ..bought };
    world.agent().tokens().import(&tokens).unwrap();
    world.make("one", MAIN);
    assert_eq!(world.get(&world.agent(), "/unlimited").await, CredentialUsed::Kept);
    assert_eq!(world.get(&world.of_budget("one"), "/unlimited").await, CredentialUsed::Bought);
}

/// A server that took money for nothing is paid by no budget.
#[tokio::test]
async fn a9_a_loss_of_one_budget_stops_the_others() {
    let world = World::new().await;
    world.make("one", MAIN);
    let request = || Request::get(world.shop.url("/never")).body(()).unwrap();
    assert!(world.agent().fetch(request()).await.is_err());
    assert!(world.of_budget("one").fetch(request()).await.is_err());
    assert_eq!(world.wallet.payments_sent(), 1);
}

/// A header of the server lowers what is left, and raises nothing.
#[tokio::test]
async fn a9_a_server_raises_no_count() {
    let world = World::new().await;
    let agent = world.agent();
    for (told, left) in [("9", 2), ("1", 1), ("9", 0)] {
        world.shop.tells(told);
        world.get(&agent, "/3").await;
        assert_eq!(agent.tokens().all().unwrap()[0].uses_left, Some(left), "{told}");
    }
    assert_eq!(world.wallet.payments_sent(), 1);
}
