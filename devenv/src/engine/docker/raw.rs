//! Plain GET requests for the two answers that the client library cannot give: the header of a ping, and a list that may
//! hold states it does not know. Must not know what is asked.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::endpoint::Endpoint;
use super::tls;

/// An answer larger than this is no answer to what is asked here; stops an endless one from filling the memory.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// Status code.
    pub(super) status: u16,
    /// Header lines, names in lower case.
    headers: Vec<(String, String)>,
    /// Body.
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The value of a header; `name` in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// Asks for `path` on a connection of its own.
///
/// HTTP/1.0, so that the answer is neither chunked nor kept open (RFC 9112 §6.1, §9.3).
pub(super) async fn get(endpoint: &Endpoint, path: &str, limit: Duration) -> io::Result<Answer> {
    let asked = async {
        match endpoint {
            Endpoint::Unix(socket) => ask(UnixStream::connect(socket).await?, path).await,
            Endpoint::Tls(address, certificates) => ask(tls::connect(address, certificates).await?, path).await,
            Endpoint::Tcp(address) => ask(TcpStream::connect(address).await?, path).await,
        }
    };
    tokio::time::timeout(limit, asked)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs())))?
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> io::Result<Answer> {
    let request = format!("GET {path} HTTP/1.0\r\nHost: docker\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut bytes).await?;
    if bytes.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended without an answer"));
    }
    parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = bytes.get(end + 4..)?.to_vec();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, text)| text.parse().ok());
    // A connection that broke off in the middle must not look like a short answer.
    if length.is_some_and(|length: usize| body.len() < length) {
        return None;
    }
    Some(Answer { status, headers, body })
}

/// Text for a query string, percent-encoded.
pub(super) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_headers() {
        let answer = parse(b"HTTP/1.0 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK").unwrap();
        assert_eq!(
            (answer.status, answer.header("api-version"), answer.body.as_slice()),
            (200, Some("1.41"), &b"OK"[..])
        );
    }

    #[test]
    fn a_broken_off_answer_is_no_answer() {
        assert!(parse(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n[{").is_none());
        assert!(parse(b"HTTP/1.0 200 OK\r\nContent-Le").is_none());
        assert!(parse(b"").is_none());
    }
}
