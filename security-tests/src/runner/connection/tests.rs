//! Tests of kept connections, against servers that answer byte for byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that answers each request with some pieces, each written by itself, so many times on one connection.
async fn serve(pieces: &'static [&'static [u8]], times: usize) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap()).parse().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                for _ in 0..times {
                    if stream.read(&mut request).await.unwrap_or(0) == 0 {
                        return;
                    }
                    for piece in pieces {
                        if stream.write_all(piece).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    (url, accepted)
}

fn request() -> Request<Full<Bytes>> {
    Request::builder().uri("/x").header("host", "x.test").body(Full::default()).unwrap()
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let (url, accepted) = serve(&[b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"], 9).await;
    let connections = Connections::default();
    for _ in 0..5 {
        let received = connections.exchange(&url, request()).await.unwrap();
        assert_eq!((received.status, received.body.as_slice()), (200, b"{}".as_slice()));
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not_used_again() {
    let (url, accepted) = serve(&[b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"], 1).await;
    let connections = Connections::default();
    assert_eq!(connections.exchange(&url, request()).await.unwrap().status, 200);
    // Until the end of the stream has arrived, the connection looks as good as ever.
    let ended = |connections: &Connections| {
        let mut idle = connections.idle.lock().unwrap();
        let mut context = Context::from_waker(std::task::Waker::noop());
        idle.first_mut().is_none_or(|kept| {
            kept.driver.ended =
                kept.driver.ended || Pin::new(&mut kept.driver.connection).poll(&mut context).is_ready();
            kept.driver.ended
        })
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !ended(&connections) {
        assert!(tokio::time::Instant::now() < deadline, "the server did not close");
        tokio::task::yield_now().await;
    }
    assert_eq!(connections.exchange(&url, request()).await.unwrap().status, 200);
    assert_eq!(accepted.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_long_body_is_read_to_the_limit_and_its_connection_not_kept() {
    static PART: [u8; 1 << 20] = [b'x'; 1 << 20];
    static PIECES: [&[u8]; 7] =
        [b"HTTP/1.1 200 OK\r\ncontent-length: 6291456\r\n\r\n", &PART, &PART, &PART, &PART, &PART, &PART];
    let (url, _) = serve(&PIECES, 1).await;
    let connections = Connections::default();
    let received = connections.exchange(&url, request()).await.unwrap();
    assert!((MAX_BODY..6 << 20).contains(&received.body.len()), "{}", received.body.len());
    assert!(connections.idle.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_connection_that_breaks_within_an_answer_is_an_error() {
    let (url, _) = serve(&[b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"], 1).await;
    let connections = Connections::default();
    assert!(matches!(connections.exchange(&url, request()).await, Err(SendError::Broken(_))));
}

/// Without prompt acknowledgements most of these take 40 ms each.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_head_and_a_body_that_are_written_apart_do_not_wait_for_each_other() {
    let (url, _) = serve(&[b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"{}"], 99).await;
    let connections = Connections::default();
    let mut slow = 0;
    for _ in 0..50 {
        let started = tokio::time::Instant::now();
        connections.exchange(&url, request()).await.unwrap();
        slow += usize::from(started.elapsed() > Duration::from_millis(35));
    }
    assert!(slow < 15, "{slow} of 50 were slow");
}
