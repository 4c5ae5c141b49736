//! Kept HTTP/1.1 connections, driven by whoever waits for the answer: no other task has to wake up for a request, which
//! is most of what one costs. Must not know what is sent, or why.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use url::{Host, Url};

use super::client::{MAX_BODY, Received, SendError};

/// How long it may take until there is a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// So many idle connections are kept.
const MOST_IDLE: usize = 32;

/// Connections that wait for their next request.
#[derive(Default)]
pub(super) struct Connections {
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    /// Sends a request and reads the answer, over a kept connection where there is one.
    pub(super) async fn exchange(&self, url: &Url, request: Request<Full<Bytes>>) -> Result<Received, SendError> {
        let authority = authority(url);
        let mut request = request;
        loop {
            let (mut connection, is_kept) = match self.take(&authority).await {
                Some(connection) => (connection, true),
                None => (Connection::open(url, authority.clone()).await?, false),
            };
            let sent = connection.sender.try_send_request(request);
            match connection.driver.until(sent).await {
                Ok(answer) => return self.read(connection, answer).await,
                Err(mut error) => match error.take_message() {
                    // The server closed it before any of the request was written: nothing was asked yet.
                    Some(unsent) if is_kept => request = unsent,
                    _ => return Err(SendError::Broken(error.into_error())),
                },
            }
        }
    }

    /// A kept connection that the server has not closed meanwhile.
    async fn take(&self, authority: &str) -> Option<Connection> {
        loop {
            let mut connection = {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                let at = idle.iter().rposition(|connection| connection.authority == authority)?;
                idle.swap_remove(at)
            };
            if connection.driver.until(connection.sender.ready()).await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn read(&self, mut connection: Connection, answer: Response<Incoming>) -> Result<Received, SendError> {
        let (head, mut rest) = answer.into_parts();
        let mut body = Vec::new();
        while let Some(frame) = connection.driver.until(rest.frame()).await {
            if let Ok(data) = frame.map_err(SendError::Broken)?.into_data() {
                body.extend_from_slice(&data);
            }
            if body.len() >= MAX_BODY {
                // What is not read yet is in the way of the next answer.
                return Ok(Received { status: head.status.as_u16(), headers: head.headers, body });
            }
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.driver.ended && idle.len() < MOST_IDLE {
            idle.push(connection);
        }
        Ok(Received { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// One connection.
struct Connection {
    authority: String,
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
}

impl Connection {
    async fn open(url: &Url, authority: String) -> Result<Self, SendError> {
        let port = url.port_or_known_default().unwrap_or(80);
        let connect = async {
            match url.host() {
                Some(Host::Domain(name)) => TcpStream::connect((name, port)).await,
                Some(Host::Ipv4(address)) => TcpStream::connect((address, port)).await,
                Some(Host::Ipv6(address)) => TcpStream::connect((address, port)).await,
                None => Err(io::Error::new(io::ErrorKind::InvalidInput, "the URL has no host")),
            }
        };
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, connect).await.map_err(|_late| SendError::TimedOut)?;
        let stream = stream.map_err(SendError::NotConnected)?;
        stream.set_nodelay(true).map_err(SendError::NotConnected)?;
        let prompt = Prompt { stream, unacknowledged: false };
        let (sender, connection) = http1::handshake(TokioIo::new(prompt)).await.map_err(SendError::Broken)?;
        Ok(Self { authority, sender, driver: Driver { connection, ended: false } })
    }
}

/// The half of a connection that reads and writes.
struct Driver {
    connection: http1::Connection<TokioIo<Prompt>, Full<Bytes>>,
    ended: bool,
}

impl Driver {
    /// Reads and writes until something is there. When the connection ends, whatever waits for it fails by itself.
    async fn until<T>(&mut self, wanted: impl Future<Output = T>) -> T {
        let mut wanted = pin!(wanted);
        std::future::poll_fn(|context| {
            if !self.ended {
                self.ended = Pin::new(&mut self.connection).poll(context).is_ready();
            }
            wanted.as_mut().poll(context)
        })
        .await
    }
}

/// Host and port, as `Host` names them (RFC 9110 §7.2).
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A stream that acknowledges at once what it read while it waits for more: a server that writes head and body apart
/// holds the body back until then (RFC 1122 §4.2.3.2, RFC 896), for 40 ms.
struct Prompt {
    stream: TcpStream,
    unacknowledged: bool,
}

impl Prompt {
    #[cfg(target_os = "linux")]
    fn acknowledge(&self) {
        // Only faster with it: without, the kernel decides when.
        drop(self.stream.set_quickack(true));
    }

    #[cfg(not(target_os = "linux"))]
    fn acknowledge(&self) {}
}

impl AsyncRead for Prompt {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        match &polled {
            Poll::Ready(_) => self.unacknowledged = into.filled().len() > before,
            Poll::Pending if std::mem::take(&mut self.unacknowledged) => self.acknowledge(),
            Poll::Pending => {}
        }
        polled
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.unacknowledged = false; // What is written acknowledges too.
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unacknowledged = false;
        Pin::new(&mut self.stream).poll_write_vectored(context, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
