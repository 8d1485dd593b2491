//! The program as a process: what signals do to it.
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]
#![expect(clippy::disallowed_methods, reason = "each test is a thread of its own")]

use core::net::SocketAddr;
use core::time::Duration;
use l402_core::macaroon::hex;
use l402_core::{
    CredentialLine, DerivedKeys, MasterKey, Msat, Name, Offer, PaymentHash, Preimage, Scheme, TokenText, Uses,
};
use l402_lightning::unix_now;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

const SOON: Duration = Duration::from_mins(2);

/// Kills the process when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An upstream whose answer has no end: a line for each one that it is told to send.
fn streaming_upstream() -> (SocketAddr, mpsc::Sender<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (say, said) = mpsc::channel::<&str>();
    thread::spawn(move || {
        let mut stream = loop {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break; // somebody looked whether the upstream is there
                }
                head.extend_from_slice(&byte);
            }
            if head.ends_with(b"\r\n\r\n") {
                break stream;
            }
        };
        thread::spawn(move || listener.incoming().for_each(drop));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n").unwrap();
        for line in said {
            stream.write_all(line.as_bytes()).unwrap();
        }
    });
    (address, say)
}

/// The next line that holds a text.
fn line_with(lines: &mpsc::Receiver<String>, text: &str) -> String {
    let end = Instant::now() + SOON;
    loop {
        let line = lines.recv_timeout(end.saturating_duration_since(Instant::now()));
        let line = line.unwrap_or_else(|error| panic!("no {text:?}: {error}"));
        if line.contains(text) {
            return line;
        }
    }
}

/// Starts a gateway in a sandbox beside its configuration. Returns it with its log, and where it serves.
fn started(config: &Path) -> (Running, mpsc::Receiver<String>, SocketAddr) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_l402-server"));
    program.arg("--config").arg(config).env("L402_SANDBOX", config.with_file_name("sandbox.json"));
    let mut running = Running(program.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let (tell, lines) = mpsc::channel();
    let log = BufReader::new(running.0.stderr.take().unwrap());
    thread::spawn(move || log.lines().map_while(Result::ok).for_each(|line| drop(tell.send(line))));
    let serving = line_with(&lines, "\"serving\"");
    let serving: serde_json::Value = serde_json::from_str(&serving).unwrap();
    let address = serving["address"].as_str().unwrap().parse().unwrap();
    (running, lines, address)
}

#[test]
fn a_hangup_is_ignored_and_cuts_no_stream() {
    let folder = tempfile::tempdir().unwrap();
    let (upstream, say) = streaming_upstream();
    let config = folder.path().join("gateway.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata_dir = \"data\"\n[log]\nformat = \"json\"\n[lightning]\nbackend = \"sandbox\"\n\
         temporary = true\n[[service]]\nname = \"a\"\nupstream = \"http://{upstream}\"\nprice = \"1 sat\"\nfree = [\"/events\"]\n\
         [[service.route]]\npath = \"/sold\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let (mut running, lines, address) = started(&config);
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    client.write_all(b"GET /events HTTP/1.1\r\nHost: gateway\r\n\r\n").unwrap();
    let mut events = BufReader::new(client).lines().map(Result::unwrap);
    say.send("before\n").unwrap();
    assert!(events.any(|line| line == "before"), "the stream begins");

    kill_process(Pid::from_child(&running.0), Signal::HUP).unwrap();
    line_with(&lines, "SIGHUP is ignored");
    say.send("after\n").unwrap();
    assert!(events.any(|line| line == "after"), "the stream goes on");
    drop(say);

    kill_process(Pid::from_child(&running.0), Signal::TERM).unwrap();
    assert!(running.0.wait().unwrap().success());
}

/// An upstream that serves everything.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map(Result::unwrap) {
            thread::spawn(move || {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                if lines.any(|line| line.is_empty()) {
                    let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
                }
            });
        }
    });
    address
}

/// A token as the key of this epoch signs it, and its payment.
fn minted(keys: &Path, epoch: u32, preimage: u8) -> (String, PaymentHash) {
    let text = std::fs::read_to_string(keys.join("root.keys")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{epoch} "))).unwrap();
    let mut key = [0; 32];
    hex::decode_into(&line.as_bytes()[..64], &mut key).unwrap();
    let keys = DerivedKeys::new(epoch, &MasterKey::from_bytes(key));
    let (offer, preimage) = (Offer::new("a".parse().unwrap(), Msat::from_sat(1)), Preimage::from_bytes([preimage; 32]));
    let (offer, mut token) =
        (offer.capability("sold".parse::<Name>().unwrap()).uses(Uses::Unlimited), TokenText::new());
    let token = keys.mint(&offer, &preimage.hash(), [1; 28], unix_now(), &mut token).unwrap();
    (CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string(), preimage.hash())
}

/// Asks with a token. Returns the status and the reason.
fn present(gateway: SocketAddr, credential: &str) -> (u16, String) {
    let (mut stream, mut answer) = (TcpStream::connect(gateway).unwrap(), String::new());
    let head = format!("GET /sold HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: {credential}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    (head[9..12].parse().unwrap(), body["reason"].as_str().unwrap_or_default().to_owned())
}

/// Each command is a program of its own, and the gateway goes on.
#[test]
fn s6_commands_revoke_and_rotate_while_the_gateway_serves() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), upstream());
    let (config, keys) = (folder.path().join("gateway.toml"), folder.path().join("data/keys"));
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata_dir = \"data\"\n[log]\nformat = \"json\"\n[lightning]\nbackend = \"sandbox\"\n\
         temporary = true\n[protocol]\nstrict_settlement = false\n[[service]]\nname = \"a\"\nupstream = \"http://{upstream}\"\n\
         price = \"1 sat\"\nuses = \"unlimited\"\n[[service.route]]\npath = \"/sold\"\ncapability = \"sold\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let (mut running, _lines, gateway) = started(&config);
    let command = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_l402-server"));
        let done = command.args(words).arg("--config").arg(&config).output().unwrap();
        (done.status.success(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
    };
    let until = |credential: &str, expected: (u16, &str)| {
        let end = Instant::now() + SOON;
        while present(gateway, credential) != (expected.0, expected.1.to_owned()) {
            assert!(Instant::now() < end, "{:?}", present(gateway, credential));
            thread::sleep(Duration::from_millis(50));
        }
    };
    let [(stolen, payment), (other, _)] = [1, 2].map(|preimage| minted(&keys, 0, preimage));
    assert_eq!([&stolen, &other].map(|token| present(gateway, token).0), [200, 200]);

    let (is_done, said) = command(&["revoke", &payment.to_string()]);
    assert!(is_done && said.contains(&payment.to_string()), "{said}");
    until(&stolen, (402, "revoked"));
    assert_eq!(present(gateway, &other).0, 200, "only that one");

    let (is_done, said) = command(&["revoke", "--epoch", "0"]);
    assert!(!is_done && said.contains("keys rotate"), "it mints: {said}");
    let (is_done, said) = command(&["keys", "rotate"]);
    assert!(is_done, "{said}");
    let (newer, _) = minted(&keys, 1, 3);
    until(&newer, (200, "")); // the gateway has not been told of this epoch, and looks
    assert_eq!(present(gateway, &other).0, 200, "a retired key verifies");
    assert_eq!(present(gateway, &stolen), (402, "revoked".to_owned()));

    kill_process(Pid::from_child(&running.0), Signal::TERM).unwrap();
    assert!(running.0.wait().unwrap().success());
}

/// Answers each call with one of these lines, and breaks off after the last.
fn gateway_that_says(socket: &Path, answers: &'static [&'static str]) {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            BufReader::new(&stream).read_line(&mut String::new()).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
}

#[cfg(any(feature = "ldk", feature = "sandbox"))]
#[test]
fn a4_whether_money_was_moved_is_not_known_when_the_gateway_breaks_off_while_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    for (name, answers, code, said) in [
        ("a", &["{\"plan\":[\"close it\"]}\n", ""][..], 6, "unknown whether this was done"),
        ("b", &[""], 1, "nothing was sent"),
        ("c", &["{\"plan\":[\"close it\"]}\n", "{\"refused\":\"no such channel\"}\n"], 1, "no such channel"),
    ] {
        let socket = folder.path().join(name);
        gateway_that_says(&socket, answers);
        let mut command = Command::new(env!("CARGO_BIN_EXE_l402-server"));
        command.args(["node", "close", "00", "--yes", "--socket"]).arg(&socket);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn a_command_without_a_configuration_asks_for_that_of_the_gateway() {
    for command in [&["node", "info"][..], &["reset-sandbox"]] {
        let done = Command::new(env!("CARGO_BIN_EXE_l402-server")).args(command).env_remove("UPSTREAM_URL").output();
        let done = done.unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(said.contains("needs the configuration of the gateway: pass --config"), "{said}");
    }
}

#[test]
fn what_is_no_payment_hash_is_wrong_usage() {
    for (command, word) in [
        (&["uses", "show", "ab"][..], "'ab'"),
        (&["uses", "resolve", "ab", "--as", "used"], "'ab'"),
        (&["revoke", "ab"], "'ab'"),
        (&["revoke"], "--epoch"),
    ] {
        let done = Command::new(env!("CARGO_BIN_EXE_l402-server")).args(command).output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(said.contains(word), "{said}");
    }
}

#[cfg(feature = "sandbox")]
#[test]
fn o2_a_ledger_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let text = format!("upstream = \"http://127.0.0.1:1\"\nledger.path = {file:?}\n");
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_l402-server"));
    let done = command.args(["check", "--config", "gateway.toml"]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(7), "{said}");
    assert!(said.contains("the ledger is not private: other users can access") && said.contains("chmod 600"), "{said}");
}

/// A gateway that cannot count sells nothing.
#[cfg(feature = "redis")]
#[test]
fn s1_a_gateway_whose_ledger_is_away_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata_dir = \"data\"\nupstream = \"http://127.0.0.1:1\"\n\
         [ledger]\nbackend = \"redis\"\nurl = \"redis://{nobody}\"\n"
    );
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_l402-server"));
    let mut running = Running(
        command
            .args(["--config", "gateway.toml"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut said = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(7), "{said}");
    assert!(said.contains("ledger") && !said.contains("serving"), "{said}");
}

#[test]
fn a_file_in_place_of_a_command_learns_of_its_option() {
    let done = Command::new(env!("CARGO_BIN_EXE_l402-server")).arg("gateway.toml").output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("use --config gateway.toml"), "{said}");
}

#[cfg(feature = "sandbox")]
#[test]
fn a_data_directory_that_cannot_be_created_fails_the_check() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let check = |data_dir: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_l402-server"));
        command.arg("check").env("UPSTREAM_URL", "http://127.0.0.1:1").current_dir(folder.path());
        command.env("L402_SERVER_DATA_DIR", data_dir).output().unwrap()
    };
    let done = check("file/data");
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot create ") && said.contains("set L402_SERVER_DATA_DIR"), "{said}");
    assert!(check("data").status.success());
    assert!(!folder.path().join("data").exists());
}
