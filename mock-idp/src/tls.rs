//! HTTPS with a certificate of a local authority that is made once and kept. Must not know what is served.

use std::fs::{self, OpenOptions};
use std::io::{Error as IoError, ErrorKind, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::serve::Listener;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;
use url::Url;

use crate::config::{Config, Tls};
use crate::error::Error;

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca-key.pem";
/// A client that shakes hands slower than this is no client.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A certificate of the process is made at each start; the authority's is made once.
const LEAF_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3_600);
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// What the handshake needs, with a fresh certificate for the names of this provider.
pub(crate) fn acceptor(config: &Config, tls: &Tls) -> Result<TlsAcceptor, Error> {
    let authority = authority(&tls.directory)?;
    let key = KeyPair::generate().map_err(failed)?;
    let mut leaf = CertificateParams::new(names(config)).map_err(failed)?;
    leaf.distinguished_name.push(DnType::CommonName, "mock-idp");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (leaf.not_before, leaf.not_after) = lifetime(LEAF_LIFETIME);
    let certificate = leaf.signed_by(&key, &authority).map_err(failed)?;
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(failed)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// Whom the certificate is for: the issuer, this machine, and the service's name in a stack.
fn names(config: &Config) -> Vec<String> {
    let host = Url::parse(&config.issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    names.extend(host.into_iter().map(|host| host.trim_matches(['[', ']']).to_owned()));
    names.extend(config.service_name.clone());
    names.sort();
    names.dedup();
    names
}

/// The authority of earlier runs, or a new one. What it may sign is for nobody but who trusts `ca.pem`.
fn authority(directory: &Path) -> Result<Issuer<'static, KeyPair>, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "mock-idp local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let path = directory.join(KEY);
    let key = match fs::read_to_string(&path) {
        Ok(text) => {
            KeyPair::from_pem(&text).map_err(|_| Error::Tls(format!("`{}` is no usable key", path.display())))?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = KeyPair::generate().map_err(failed)?;
            (params.not_before, params.not_after) = lifetime(AUTHORITY_LIFETIME);
            let certificate = params.self_signed(&key).map_err(failed)?;
            keep(directory, CERTIFICATE, 0o644, &certificate.pem())?;
            keep(directory, KEY, 0o600, &key.serialize_pem())?;
            key
        }
        Err(error) => return Err(Error::Tls(format!("`{}` cannot be read: {error}", path.display()))),
    };
    Ok(Issuer::new(params, key))
}

fn keep(directory: &Path, name: &str, mode: u32, text: &str) -> Result<(), Error> {
    let (path, beside) = (directory.join(name), directory.join(format!("{name}.new")));
    let kept = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .and_then(|()| OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside))
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&beside, &path));
    kept.map_err(|error: IoError| Error::Tls(format!("`{}` cannot be written: {error}", path.display())))
}

fn lifetime(length: Duration) -> (time::OffsetDateTime, time::OffsetDateTime) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = time::OffsetDateTime::UNIX_EPOCH + since;
    // A day back: clocks of containers and laptops differ.
    (now - Duration::from_secs(24 * 3_600), now + length)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Tls(error.to_string())
}

/// Connections whose handshake is done. Handshakes run beside each other: a slow client holds up nobody.
pub(crate) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, acceptor: TlsAcceptor) -> Result<Self, IoError> {
        let address = listener.local_addr()?;
        let (done, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            let mut listener = listener;
            loop {
                // Errors such as too many open files are waited out there.
                let (stream, peer) = Listener::accept(&mut listener).await;
                if done.is_closed() {
                    return;
                }
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => drop(done.send((stream, peer)).await),
                        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    }
                });
            }
        });
        Ok(Self { address, ready })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The other end lives as long as the process: there is nothing more to accept.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}
