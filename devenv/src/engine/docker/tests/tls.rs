//! An engine behind TLS, played: it wants a certificate of its clients and shows one of its own.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::*;

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Its port, and the directory with what a client needs.
async fn engine() -> (u16, tempfile::TempDir) {
    let authority = authority();
    let signed = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        (CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap(), key)
    };
    let (client, client_key) = signed(&[]);
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(directory.path().join(name), text).unwrap();
    write("ca.pem", authority.pem());
    write("cert.pem", client.pem());
    write("key.pem", client_key.serialize_pem());

    let (server, server_key) = signed(&["127.0.0.1"]);
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.der().clone()], PrivateKeyDer::try_from(server_key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let answer = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK";
                drop(stream.write_all(answer.as_bytes()).await);
                drop(stream.shutdown().await);
            });
        }
    });
    (port, directory)
}

fn environment(port: u16, certificates: &std::path::Path) -> BTreeMap<String, String> {
    let pairs = [
        ("DOCKER_HOST", format!("tcp://127.0.0.1:{port}")),
        ("DOCKER_TLS_VERIFY", "1".to_owned()),
        ("DOCKER_CERT_PATH", certificates.display().to_string()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

#[tokio::test]
async fn an_engine_behind_tls_answers_a_client_with_a_certificate() {
    let (port, certificates) = engine().await;
    let docker = Docker::connect(&environment(port, certificates.path())).await.unwrap();
    assert_eq!(docker.endpoint(), format!("tcp://127.0.0.1:{port} (TLS)"));
    // The client library has a connection of its own.
    assert_eq!(docker.connection.client.ping().await.unwrap(), "OK");
}

#[tokio::test]
async fn an_engine_of_another_authority_is_not_believed() {
    let (port, _) = engine().await;
    let (_, others) = engine().await;
    let error = Docker::connect(&environment(port, others.path())).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_missing_certificate_is_named() {
    let (port, certificates) = engine().await;
    std::fs::remove_file(certificates.path().join("cert.pem")).unwrap();
    let error = Docker::connect(&environment(port, certificates.path())).await.unwrap_err().to_string();
    assert!(error.contains("cert.pem"), "{error}");
}
