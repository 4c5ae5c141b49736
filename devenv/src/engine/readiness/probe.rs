//! One attempt of one readiness test. Must not know how often it is tried, nor for how long.

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr};

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engine::{Engine, EngineError, Exec, LogOptions};
use crate::manifest::{Readiness, ReadinessTest};
use crate::plan::{PlannedService, Project};

/// More than this is no status line (RFC 9112 §3 recommends 8000 for the longest one expected).
const LONGEST_STATUS_LINE: usize = 8 * 1024;

/// Tries once; an error says why it failed, for people.
pub(super) async fn attempt(
    engine: &dyn Engine,
    project: &Project,
    service: &PlannedService,
    readiness: &Readiness,
) -> Result<(), String> {
    let target = Target { engine, project, service };
    match &readiness.test {
        ReadinessTest::Http { path, port } => target.http(path, *port).await,
        ReadinessTest::Tcp { port } => target.connect(*port).await.map(drop),
        ReadinessTest::Log { text } => target.log(text).await,
        ReadinessTest::Exec { words } => target.exec(words, readiness).await,
        ReadinessTest::Shell { script } => {
            target.exec(&["/bin/sh".into(), "-c".into(), script.clone()], readiness).await
        }
    }
}

/// The test in a few words.
pub(super) fn describe(test: &ReadinessTest) -> String {
    match test {
        ReadinessTest::Http { path, .. } => format!("http {path}"),
        ReadinessTest::Tcp { port } => format!("tcp {port}"),
        ReadinessTest::Log { text } => format!("log line `{text}`"),
        ReadinessTest::Exec { words } => format!("`{}`", words.join(" ")),
        ReadinessTest::Shell { script } => format!("`{script}`"),
    }
}

/// Why it is not ready as long as no attempt has failed.
pub(super) fn before_the_first(test: &ReadinessTest) -> String {
    match test {
        ReadinessTest::Log { text } => format!("its output holds no line with `{text}`"),
        ReadinessTest::Http { .. }
        | ReadinessTest::Tcp { .. }
        | ReadinessTest::Exec { .. }
        | ReadinessTest::Shell { .. } => format!("{} did not answer", describe(test)),
    }
}

struct Target<'a> {
    engine: &'a dyn Engine,
    project: &'a Project,
    service: &'a PlannedService,
}

impl Target<'_> {
    async fn http(&self, path: &str, port: Option<u16>) -> Result<(), String> {
        let port = port.or_else(|| self.service.ports.first().map(|port| port.target));
        let port = port.ok_or("it has no port to ask; write `http: { path, port }`")?;
        let mut stream = self.connect(port).await?;
        counts(get(&mut stream, path, port).await.map_err(|error| say(&error))?)
    }

    async fn connect(&self, port: u16) -> Result<TcpStream, String> {
        let address: Option<SocketAddr> =
            self.engine.address(self.project, self.service, port).await.map_err(|error| error.to_string())?;
        let address = address.ok_or_else(|| format!("port {port} cannot be reached yet"))?;
        match TcpStream::connect(address).await {
            Ok(stream) => Ok(stream),
            // Development servers that listen on `localhost` often mean the IPv6 one only.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused && self.service.on_host() => {
                TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.map_err(|_| say(&error))
            }
            Err(error) => Err(say(&error)),
        }
    }

    async fn log(&self, text: &str) -> Result<(), String> {
        let options = LogOptions { follow: true, tail: None };
        let services = [self.service.name.clone()];
        let error = |error: EngineError| error.to_string();
        let mut lines = self.engine.logs(self.project, &services, options).await.map_err(error)?;
        while let Some(line) = lines.next().await {
            if line.map_err(error)?.text.contains(text) {
                return Ok(());
            }
        }
        Err(format!("its output holds no line with `{text}`"))
    }

    async fn exec(&self, words: &[String], readiness: &Readiness) -> Result<(), String> {
        let command = Exec { words, timeout: readiness.timeout };
        match self.engine.exec(self.project, self.service, command).await {
            Ok(0) => Ok(()),
            Ok(code) => Err(format!("exit code {code}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Asks once whether something answers: `http://HOST:PORT/PATH` with a 2xx, `tcp://HOST:PORT` at all.
///
/// # Errors
/// Why it does not count as an answer, for people.
pub async fn ask(question: &str) -> Result<(), String> {
    let (scheme, rest) = question.split_once("://").ok_or("write `http://HOST:PORT/PATH` or `tcp://HOST:PORT`")?;
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(address).await.map_err(|error| say(&error))?;
    match scheme {
        "tcp" => Ok(()),
        "http" => {
            let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(80);
            counts(get(&mut stream, path, port).await.map_err(|error| say(&error))?)
        }
        other => Err(format!("`{other}` is neither http nor tcp")),
    }
}

/// Whether a status is the one of somebody who is ready.
fn counts(status: Option<u16>) -> Result<(), String> {
    match status {
        Some(200..=299) => Ok(()),
        Some(status) => Err(format!("it answers {status}")),
        None => Err("its answer is not HTTP".into()),
    }
}

/// The status of `GET path` (RFC 9112 §3, §4); `None` when the answer is not HTTP. Nothing beyond the first line is read.
async fn get(stream: &mut TcpStream, path: &str, port: u16) -> std::io::Result<Option<u16>> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let request = format!(
        "GET {slash}{path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: devenv\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut piece = [0; 512];
    while !answer.contains(&b'\n') && answer.len() < LONGEST_STATUS_LINE {
        match stream.read(&mut piece).await? {
            0 => break,
            length => answer.extend_from_slice(piece.get(..length).unwrap_or_default()),
        }
    }
    Ok(parse_status(&answer))
}

/// RFC 9112 §4: `HTTP-version SP status-code SP [ reason-phrase ]`.
fn parse_status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next().filter(|code| code.len() == 3)?.parse().ok()
}

fn say(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".into(),
        ErrorKind::ConnectionReset => "connection reset".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_line_of_http_1_is_an_answer() {
        assert_eq!(parse_status(b"HTTP/1.1 204 No Content\r\nServer: x\r\n"), Some(204));
        assert_eq!(parse_status(b"HTTP/1.0 503\r\n"), Some(503));
        assert_eq!(parse_status(b"SSH-2.0-OpenSSH_9.6\r\n"), None);
        assert_eq!(parse_status(b"HTTP/1.1 OK\r\n"), None);
        assert_eq!(parse_status(b""), None);
    }
}
