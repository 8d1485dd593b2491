//! Cookies: the real curl as the judge of what is sent and what is written, and what a payment does to them.

use crate::process::{Machine, text};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

/// A server that sets cookies, and notes those that come.
struct Setter {
    port: u16,
    came: Arc<Mutex<Vec<String>>>,
}

impl Setter {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let setter = Self { port: listener.local_addr().unwrap().port(), came: Arc::default() };
        let came = Arc::clone(&setter.came);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let came = Arc::clone(&came);
                tokio::spawn(async move {
                    loop {
                        let mut head = Vec::new();
                        while !head.ends_with(b"\r\n\r\n") {
                            let Ok(byte) = stream.read_u8().await else { return };
                            head.push(byte);
                        }
                        let head = String::from_utf8(head).unwrap();
                        let path = head.split(' ').nth(1).unwrap();
                        let is_cookie = |line: &&str| line.to_ascii_lowercase().starts_with("cookie:");
                        let cookie = head.lines().find(is_cookie).map_or("", |line| line[7..].trim());
                        came.lock().unwrap().push(format!("{path} {cookie}"));
                        let answer = answer(path);
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        setter
    }

    fn take(&self) -> Vec<String> {
        core::mem::take(&mut self.came.lock().unwrap())
    }
}

fn answer(path: &str) -> String {
    let set = |lines: &[&str]| {
        let lines = lines.iter().map(|line| ["Set-Cookie: ", line, "\r\n"].concat()).collect::<Vec<_>>().concat();
        format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{lines}\r\n")
    };
    match path {
        "/one/set" => set(&["a=1"]),
        "/one/many" => {
            set(&["a=1; path=/", "bb=2", "c=3; path=/one; HttpOnly", "d=4; Max-Age=5000000000", "a=9; path=/"])
        }
        "/one/domain" => {
            set(&["a=1; domain=one.test", "b=2; domain=.one.test", "c=3; domain=test", "d=4; domain=other.test"])
        }
        "/one/ends" => set(&[
            "a=1",
            "a=; max-age=0",
            "b=2; expires=Thu, 01 Jan 1970 00:00:10 GMT",
            "c=3; expires=Fri, 01 Jan 2038 00:00:00 GMT",
        ]),
        "/one/odd" => set(&["noname", "=x", "a=b=c; path=/x", "e=; path=/", "s=1; secure", "__Secure-x=1"]),
        "/one/to" => format!(
            "{}Location: /one/there\r\n\r\n",
            set(&["r=1"]).replace("200 OK", "302 Found").trim_end_matches("\r\n").to_owned() + "\r\n"
        ),
        _ => set(&[]),
    }
}

/// A jar without its comments.
fn jar(machine: &Machine, name: &str) -> Vec<String> {
    let file = std::fs::read_to_string(machine.folder.path().join(name)).unwrap_or_default();
    let is_cookie = |line: &&str| !line.is_empty() && (!line.starts_with('#') || line.starts_with("#HttpOnly_"));
    file.lines().filter(is_cookie).map(str::to_owned).collect()
}

const GIVEN: &str = "one.test\tFALSE\t/\tFALSE\t0\told\t1\n.one.test\tTRUE\t/one\tFALSE\t4000000000\twide\tx y\n\
                     #HttpOnly_one.test\tFALSE\t/\tFALSE\t10\tgone\t1\n# a comment\nother.test\tFALSE\t/\tFALSE\t0\tnot\tthere\n\
                     one.test\tFALSE\t/\tTRUE\t0\tsecure\t1\nbroken line\n";

#[tokio::test]
#[ignore = "needs curl: just curl"]
async fn oracle_cookies_go_and_come_as_with_curl() {
    let machine = Machine::new().await;
    let server = Setter::open().await;
    let given = machine.folder.path().join("given");
    std::fs::write(&given, GIVEN).unwrap();
    let mut wrong = Vec::new();
    for path in ["/one/set", "/one/many", "/one/domain", "/one/ends", "/one/odd", "/one/to", "/one/"] {
        for options in [
            &["-c", "jar"][..],
            &["-b", "given", "-c", "jar"],
            &["-b", "given"],
            &["-b", "missing", "-c", "jar"],
            &["-b", "given", "-b", "m=1", "-c", "jar"],
        ] {
            let mut found = Vec::new();
            for is_curl in [true, false] {
                let _ = std::fs::remove_file(machine.folder.path().join("jar"));
                let pin = format!("one.test:{}:127.0.0.1", server.port);
                let url = format!("http://one.test:{}{path}", server.port);
                let again = format!("http://one.test:{}/one/again", server.port);
                let mut jars = Vec::new();
                for (url, options) in [(&url, options), (&again, &["-b", "jar"][..])] {
                    let fixed = ["-sL", "--resolve", &pin, url];
                    let args = [options, &fixed[..]].concat();
                    let mut command = if is_curl {
                        let mut command = Command::new("curl");
                        command.arg("-q").args(&args).env_clear();
                        command
                    } else {
                        machine.command(&args)
                    };
                    command.current_dir(machine.folder.path()).stdin(Stdio::null());
                    let output = command.output().await.unwrap();
                    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
                    jars.push(jar(&machine, "jar"));
                }
                found.push((server.take(), jars));
            }
            for (_, jars) in &mut found {
                // What ends a number of seconds from now ends a moment later in the second run.
                for line in jars.iter_mut().flatten() {
                    let parts: Vec<&str> = line.split('\t').collect();
                    if parts[5] == "d" {
                        *line = [&parts[..4], &["in time"], &parts[5..]].concat().join("\t");
                    }
                }
            }
            if found[0] != found[1] {
                wrong.push(format!("{path} {options:?}\n  curl {:?}\n  l402 {:?}", found[0], found[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_cookie_of_the_402_goes_along_with_the_token() {
    let machine = Machine::new().await;
    let jar_file = machine.folder.path().join("jar");
    std::fs::write(&jar_file, "127.0.0.1\tFALSE\t/\tFALSE\t0\tid\t7\n").unwrap();
    let jar_file = jar_file.to_str().unwrap();
    let got = machine.run(&["-v", "-b", jar_file, "-b", "mine=1", &machine.shop.url("/weather")]).await;
    assert_eq!(got.status.code(), Some(0), "{}", text(&got.stderr));
    assert_eq!(machine.shop.all("cookie"), ["id=7; mine=1", "id=7; mine=1"]);
    assert!(!text(&got.stderr).contains("id=7"), "{}", text(&got.stderr));
}

#[tokio::test]
async fn a_jar_is_written_for_its_owner_alone() {
    use std::os::unix::fs::MetadataExt;
    let machine = Machine::new().await;
    let server = Setter::open().await;
    let path = machine.folder.path().join("jar");
    let url = format!("http://127.0.0.1:{}/one/set", server.port);
    let got = machine.run(&["-c", path.to_str().unwrap(), &url]).await;
    assert_eq!(got.status.code(), Some(0), "{}", text(&got.stderr));
    assert_eq!(jar(&machine, "jar").len(), 1);
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let printed = machine.run(&["-c", "-", &url]).await;
    assert!(text(&printed.stdout).ends_with("\ta\t1\n"), "{}", text(&printed.stdout));
    let nowhere = machine.run(&["-c", "/does/not/exist", &url]).await;
    assert_eq!(nowhere.status.code(), Some(1));
}
