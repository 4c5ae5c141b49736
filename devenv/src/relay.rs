//! A TCP relay: what connects to a port of loopback here reaches a service elsewhere.
//!
//! It lives in the network namespace of another container and makes one URL mean the same everywhere. Must not know what
//! the bytes mean, nor containers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections at one time; more wait. Stops a client that leaks connections from taking all memory.
const MOST_CONNECTIONS: usize = 1024;
/// How long the other side may take to accept.
const CONNECT: Duration = Duration::from_secs(10);
/// How often it is looked whether the network is still there.
const LOOK: Duration = Duration::from_millis(250);
/// How long after the loss the process ends. Restarted at once it would find the service still down; restarted after this
/// it joins the service's new network.
const LINGER: Duration = Duration::from_millis(500);

/// One port and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Address on which it listens; a loopback address of IPv4 stands for that of IPv6 as well.
    pub listen: SocketAddr,
    /// `host:port`, resolved anew for each connection because a restarted service has a new address.
    pub to: String,
}

impl Forward {
    /// Reads `9400=idp:9400`: the port on loopback, and the service.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (port, to) = text.split_once('=').ok_or_else(|| format!("`{text}` is not `PORT=HOST:PORT`"))?;
        let port: u16 = port.parse().map_err(|_| format!("`{port}` in `{text}` is not a port"))?;
        match to.rsplit_once(':') {
            Some((host, target)) if !host.is_empty() && target.parse::<u16>().is_ok_and(|target| target != 0) => {
                Ok(Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), to: to.to_owned() })
            }
            _ => Err(format!("`{to}` in `{text}` is not `HOST:PORT`")),
        }
    }
}

/// Relays until `shutdown` resolves.
///
/// # Errors
/// When a port cannot be listened on, and when the network that was there at the beginning is gone: the container whose
/// namespace this is was restarted, and only a restart brings the relay into the new one.
pub async fn run(forwards: Vec<Forward>, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    let mut listeners = Vec::new();
    for forward in &forwards {
        listeners.extend(listen(forward).await?);
    }
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let relays = listeners.into_iter().map(|(listener, to)| accept(listener, to, Arc::clone(&permits)));
    tokio::select! {
        () = shutdown => Ok(()),
        () = network_lost() => {
            tokio::time::sleep(LINGER).await;
            Err(io::Error::new(io::ErrorKind::NetworkDown, "the network namespace has lost its interfaces"))
        }
        _ = future::join_all(relays) => Ok(()),
    }
}

async fn listen(forward: &Forward) -> io::Result<Vec<(TcpListener, String)>> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {}: {error}", forward.listen));
    let listener = TcpListener::bind(forward.listen).await.map_err(named)?;
    let port = listener.local_addr()?.port();
    let mut listeners = vec![(listener, forward.to.clone())];
    // `localhost` may mean either; a namespace without IPv6 has only the first.
    if forward.listen.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)
        && let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await
    {
        listeners.push((listener, forward.to.clone()));
    }
    Ok(listeners)
}

/// Accepts for ever; ends its connections when it is dropped.
async fn accept(listener: TcpListener, to: String, permits: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((client, _)) => {
                let to = to.clone();
                connections.spawn(async move {
                    if let Err(error) = relay(client, &to).await {
                        tracing::debug!(to, %error, "a relayed connection ended");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                // Mostly: too many open files. To go on at once would only burn the processor.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Copies both ways. The end of one direction is passed on and leaves the other open (RFC 9293 §3.6).
async fn relay(mut client: TcpStream, to: &str) -> io::Result<()> {
    let connecting = tokio::time::timeout(CONNECT, TcpStream::connect(to));
    let mut service = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    client.set_nodelay(true)?;
    service.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut service).await.map(|_| ())
}

/// Resolves when there was an interface beside loopback and there is none any more.
async fn network_lost() {
    if interfaces().await == Some(0) {
        return future::pending().await;
    }
    loop {
        tokio::time::sleep(LOOK).await;
        if interfaces().await == Some(0) {
            return;
        }
    }
}

/// Interfaces of this namespace beside loopback; `None` where that cannot be told.
async fn interfaces() -> Option<usize> {
    tokio::fs::read_to_string("/proc/self/net/dev").await.ok().map(|text| beside_loopback(&text))
}

/// The same, in the kernel's text: two lines of heading, then `name: counters`.
fn beside_loopback(text: &str) -> usize {
    text.lines().skip(2).filter_map(|line| line.split_once(':')).filter(|(name, _)| name.trim() != "lo").count()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn the_argument_names_a_port_and_a_service() {
        let forward = Forward::parse("9400=idp:9401").unwrap();
        assert_eq!((forward.listen.to_string(), forward.to.as_str()), ("127.0.0.1:9400".to_owned(), "idp:9401"));
        for wrong in ["", "9400", "x=idp:1", "70000=idp:1", "9400=idp", "9400=:1", "9400=idp:x", "9400=idp:0"] {
            assert!(Forward::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_namespace_without_a_network_is_told_from_one_with() {
        let heading = "Inter-|   Receive\n face |bytes    packets\n";
        assert_eq!(beside_loopback(&format!("{heading}    lo: 0 0\n")), 0);
        assert_eq!(beside_loopback(&format!("{heading}    lo: 0 0\n  eth0: 8 1\n")), 1);
    }

    /// A free port; the relay binds it again at once.
    async fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_and_half_a_close_leaves_the_other_half_open() {
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = service.local_addr().unwrap().to_string();
        let port = free_port().await;
        let forward = Forward { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), to };
        let listeners = listen(&forward).await.unwrap();
        let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        for (listener, to) in listeners {
            tokio::spawn(accept(listener, to, Arc::clone(&permits)));
        }
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let (mut served, _) = service.accept().await.unwrap();
        let mut question = String::new();
        served.read_to_string(&mut question).await.unwrap();
        served.write_all(b"answer").await.unwrap();
        drop(served);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!((question.as_str(), answer.as_str()), ("question", "answer"));
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_closes_the_connection_and_the_relay_goes_on() {
        let gone = free_port().await;
        let port = free_port().await;
        let forward = Forward::parse(&format!("{port}=127.0.0.1:{gone}")).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let listeners = listen(&forward).await.unwrap();
        drop(listeners);
        let relay = tokio::spawn(run(vec![forward], async { drop(stopped.await) }));
        for _ in 0..2 {
            // The relay begins to listen at some moment after it was spawned.
            let mut client = loop {
                match TcpStream::connect(("127.0.0.1", port)).await {
                    Ok(client) => break client,
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            let mut nothing = Vec::new();
            assert_eq!(client.read_to_end(&mut nothing).await.unwrap_or(0), 0);
        }
        drop(stop);
        relay.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let forward = Forward::parse(&format!("{port}=localhost:1")).unwrap();
        let error = run(vec![forward], future::pending()).await.unwrap_err();
        assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
    }
}
