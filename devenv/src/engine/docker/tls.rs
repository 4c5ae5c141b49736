//! A connection with TLS to an engine on another machine: both sides show a certificate (Docker, "Protect the Docker daemon
//! socket"). Must not know what is asked through it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Where the three files are that Docker's own tools write and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificates {
    /// A directory with `ca.pem`, `cert.pem` and `key.pem`.
    pub(super) directory: PathBuf,
}

impl Certificates {
    pub(super) fn authority(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.directory.join("cert.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.directory.join("key.pem")
    }
}

/// Connects to `host:port` and checks who answers.
pub(super) async fn connect(address: &str, certificates: &Certificates) -> io::Result<TlsStream<TcpStream>> {
    let config = config(certificates)?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await?).await
}

fn config(certificates: &Certificates) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(&certificates.authority())? {
        roots.add(certificate).map_err(io::Error::other)?;
    }
    let path = certificates.key();
    let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| unreadable(&path, &error))?;
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain(&certificates.certificate())?, key)
        .map_err(io::Error::other)
}

fn chain(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    found.map_err(|error| unreadable(path, &error))
}

/// The library's errors do not name the file, and never quote it: it may hold a key.
fn unreadable(path: &Path, error: &tokio_rustls::rustls::pki_types::pem::Error) -> io::Error {
    io::Error::other(format!("cannot read {}: {error}", path.display()))
}
