//! One HTTP request, one connection, no TLS: the provider is on this machine. Redirects are never followed.

use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use openidconnect::http::Response;
use openidconnect::{HttpRequest, HttpResponse};

/// As `openidconnect` wants it of an HTTP client.
pub(crate) fn send(request: HttpRequest) -> Result<HttpResponse, Error> {
    let uri = request.uri();
    let authority = uri.authority().ok_or_else(|| invalid("an address without a host"))?.as_str();
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut head = format!("{} {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n", request.method());
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().map_err(|_| invalid("a header that is no text"))?);
    }
    head += &format!("content-length: {}\r\n\r\n", request.body().len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(request.body())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read(&answer)
}

fn read(answer: &[u8]) -> Result<HttpResponse, Error> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(|| invalid("no end of headers"))?;
    let (head, body) = (String::from_utf8_lossy(&answer[..end]).into_owned(), &answer[end + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or_else(|| invalid("no status"))?;
    let mut response = Response::builder().status(status);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(invalid("a chunked answer, which this client does not read"));
        }
        if name.eq_ignore_ascii_case("content-length") && value.trim().parse() != Ok(body.len()) {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the answer is not as long as it says"));
        }
        response = response.header(name, value.trim());
    }
    response.body(body.to_vec()).map_err(Error::other)
}

fn invalid(words: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, words)
}
