//! The cookies of a command: what `-b` reads, and what `-c` writes.

// Threats: H2.

use crate::cli::RequestArgs;
use crate::exit::{Exit, Failure, OrExit};
use l402_agent::http::cookies::Cookies;
use l402_lightning::unix_now;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Returns the cookies of `-b` that stand on the command line.
pub(super) fn literals(args: &RequestArgs) -> impl Iterator<Item = &[u8]> {
    args.cookie.iter().map(|cookies| cookies.as_bytes()).filter(|cookies| cookies.contains(&b'='))
}

/// Tells whether cookies are read from a file, or written to one.
pub(super) fn is_wanted(args: &RequestArgs) -> bool {
    args.cookie_jar.is_some() || literals(args).count() < args.cookie.len()
}

/// Returns the jar, with what the files of `-b` say; [`None`] where neither a file nor `-c` is named.
pub(super) fn open(args: &RequestArgs) -> Result<Option<Cookies>, Failure> {
    if !is_wanted(args) {
        return Ok(None);
    }
    let cookies = Cookies::default();
    let files = args.cookie.iter().filter(|cookies| !cookies.as_bytes().contains(&b'='));
    for file in files.filter(|file| !file.is_empty()) {
        cookies.read_file(Path::new(file)).or_exit(Exit::Local)?;
    }
    Ok(Some(cookies))
}

/// Writes the jar where `-c` says.
pub(super) async fn close(
    args: &RequestArgs,
    cookies: Option<&Cookies>,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Failure> {
    let (Some(path), Some(cookies)) = (&args.cookie_jar, cookies) else { return Ok(()) };
    if path.as_os_str() != "-" {
        return cookies.write_file(path, unix_now()).or_exit(Exit::Local);
    }
    out.write_all(&cookies.write(unix_now())).await.or_exit(Exit::Local)?;
    out.flush().await.or_exit(Exit::Local)
}
