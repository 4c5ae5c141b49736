//! One request, again and again over kept connections, from one thread. Must not know what is asked.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// What is sent where.
pub(crate) struct Request {
    pub(crate) port: u16,
    pub(crate) bytes: Vec<u8>,
}

/// When it is enough.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Over(Duration),
    Count(usize),
}

/// What came of it.
pub(crate) struct Load {
    pub(crate) count: f64,
    pub(crate) per_second: f64,
    pub(crate) p99: Duration,
}

pub(crate) async fn run(request: &Request, connections: usize, until: Until) -> Load {
    let local = LocalSet::new();
    let left = Rc::new(Cell::new(match until {
        Until::Over(_) => usize::MAX,
        Until::Count(count) => count,
    }));
    let begin = Instant::now();
    let end = match until {
        Until::Over(time) => begin + time,
        Until::Count(_) => begin + Duration::from_secs(3_600),
    };
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (port, bytes, left) = (request.port, request.bytes.clone(), Rc::clone(&left));
        tasks.push(local.spawn_local(async move { one(port, &bytes, &left, end).await }));
    }
    let mut times = Vec::new();
    local
        .run_until(async {
            for task in tasks {
                times.extend(task.await.unwrap())
            }
        })
        .await;
    let seconds = begin.elapsed().as_secs_f64();
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    let count = f64::from(u32::try_from(times.len()).unwrap());
    Load { count, per_second: count / seconds, p99 }
}

async fn one(port: u16, request: &[u8], left: &Cell<usize>, end: Instant) -> Vec<Duration> {
    let mut stream = connect(port).await;
    let (mut times, mut buffer) = (Vec::new(), Vec::new());
    while left.get() > 0 && Instant::now() < end {
        left.set(left.get() - 1);
        let begin = Instant::now();
        stream.write_all(request).await.unwrap();
        if answer(&mut stream, &mut buffer).await.1 {
            // Some servers close after each answer, or after so many; a new connection is part of their time.
            stream = connect(port).await;
        }
        times.push(begin.elapsed());
    }
    times
}

async fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends once and gives the body.
pub(crate) async fn once(request: &Request) -> String {
    let mut stream = connect(request.port).await;
    stream.write_all(&request.bytes).await.unwrap();
    let mut buffer = Vec::new();
    let (start, _) = answer(&mut stream, &mut buffer).await;
    String::from_utf8(buffer[start..].to_vec()).unwrap()
}

/// Reads one answer of status 200 and a length. Gives where its body begins, and whether the connection is over.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> (usize, bool) {
    buffer.clear();
    let mut expected = None;
    loop {
        let read = stream.read_buf(buffer).await.unwrap();
        if expected.is_none()
            && let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let head = std::str::from_utf8(&buffer[..end]).unwrap().to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(buffer));
            let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let length: usize = field("content-length:").unwrap().parse().unwrap();
            expected = Some((end + 4, end + 4 + length, field("connection:") == Some("close")));
        }
        match expected {
            Some((start, length, closes)) if buffer.len() >= length => return (start, closes),
            _ => assert!(read > 0, "the server closed early: {}", String::from_utf8_lossy(buffer)),
        }
    }
}
