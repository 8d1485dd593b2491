//! The program as a process: what signals do to it.
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

use core::net::SocketAddr;
use core::time::Duration;
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
    let mut program = Command::new(env!("CARGO_BIN_EXE_l402-server"));
    program.arg("--config").arg(&config).env("L402_SANDBOX", folder.path().join("sandbox.json"));
    let mut running = Running(program.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let (tell, lines) = mpsc::channel();
    let log = BufReader::new(running.0.stderr.take().unwrap());
    thread::spawn(move || log.lines().map_while(Result::ok).for_each(|line| drop(tell.send(line))));

    let serving = line_with(&lines, "\"serving\"");
    let serving: serde_json::Value = serde_json::from_str(&serving).unwrap();
    let address: SocketAddr = serving["address"].as_str().unwrap().parse().unwrap();
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
