//! The agent as another user of the system, who tries what it must not be able to do.
//!
//! This program starts a copy of itself as that user, which runs [`as_the_other_user`] alone. Only the superuser can do that, so that
//! nothing is tried elsewhere; CI runs as the superuser.

use crate::broker::Desk;
use core::future::pending;
use l402_agent::broker::{Broker, BrokerClient, Socket};
use l402_agent::errand::{Ask, Errands, Reason};
use std::env;
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// `nobody`, on most systems; it need not have a name.
const OTHER: u32 = 65_534;

#[tokio::test(flavor = "multi_thread")]
async fn a5_another_user_reaches_nothing_but_the_errands_of_its_key() {
    let desk = Desk::usual().await;
    let home = desk.world.data.path();
    if fs::metadata(home).unwrap().uid() != 0 {
        return;
    }
    fs::set_permissions(home, Permissions::from_mode(0o755)).unwrap();
    // The owner's socket is in a folder of its owner's. Were it not, who connects would be looked at.
    let exposed = home.join("exposed.sock");
    let sockets = (Socket::bind(home.join("more.sock"), 0o600).unwrap(), Socket::bind(&exposed, 0o666).unwrap());
    tokio::spawn(Broker::new(desk.world.agent()).serve(sockets.0, sockets.1, pending()));
    let program = home.join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let keys = [Some(OTHER), Some(0)].map(|uid| desk.keys.make("research", uid).unwrap().1);
    let (own, of_root) = (keys[0].expose().to_owned(), keys[1].expose().to_owned());
    let paths = [home.join("data"), desk.owner.clone(), exposed, desk.agents.clone()];
    let url = desk.world.shop.url("/a");
    let run = move || {
        let mut command = Command::new(program);
        command.args(["--exact", "other_user::as_the_other_user", "--nocapture"]);
        for (name, path) in ["DATA", "OWNER", "EXPOSED", "AGENTS"].into_iter().zip(&paths) {
            command.env(variable(name), path);
        }
        for (name, value) in [("OWN", own), ("OF_ROOT", of_root), ("URL", url)] {
            command.env(variable(name), value);
        }
        command.uid(OTHER).gid(OTHER).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let said = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    assert!(output.status.success() && said.contains("1 passed") && said.contains(DONE), "{said}");
    assert_eq!(desk.client("research").budget().await.unwrap().spent_msat, 21_000);
}

/// What the copy says once it has tried everything.
const DONE: &str = "everything was tried";

fn variable(name: &str) -> String {
    format!("L402_TEST_{name}")
}

/// It does nothing where it was not started by the test above.
#[tokio::test]
async fn as_the_other_user() {
    let Ok(data) = env::var(variable("DATA")) else { return };
    let variable = |name: &str| env::var(variable(name)).unwrap();
    for file in ["", "store.sqlite", "store.sqlite-wal", "broker", "broker/owner.sock"] {
        let path = Path::new(&data).join(file);
        assert_eq!(fs::File::open(&path).unwrap_err().kind(), ErrorKind::PermissionDenied, "{}", path.display());
    }
    assert_eq!(UnixStream::connect(variable("OWNER")).unwrap_err().kind(), ErrorKind::PermissionDenied);
    let mut exposed = UnixStream::connect(variable("EXPOSED")).unwrap();
    // It may have been closed already.
    let _ = exposed.write_all(b"POST /v1/resolve HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
    let mut answer = Vec::new();
    let _ = exposed.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    assert!(fs::remove_file(variable("AGENTS")).is_err());

    let client = |key: &str| BrokerClient::new(&format!("unix:{}", variable("AGENTS")), key).unwrap();
    assert_eq!(client(&variable("OF_ROOT")).budget().await.unwrap_err().reason, Reason::Unauthorized);
    let own = client(&variable("OWN"));
    assert_eq!(own.budget().await.unwrap().name, "research");
    assert_eq!(own.fetch(Ask::get(variable("URL"))).await.unwrap().bytes().await.unwrap(), "sunny");
    println!("{DONE}");
}
