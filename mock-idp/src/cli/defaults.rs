//! The provider of somebody who wrote no file.

use std::net::SocketAddr;

use mock_idp::{Config, Error};

/// The default as a file; the port is put in.
pub(super) const TEXT: &str = include_str!("default.yaml");

pub(super) fn config(listen: SocketAddr) -> Result<Config, Error> {
    let mut config = Config::parse(TEXT)?;
    config.issuer = format!("http://localhost:{}", listen.port());
    Ok(config)
}
