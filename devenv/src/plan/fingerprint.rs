//! A short salted hash for each field of a service: what changed is known by name, and labels tell nothing about contents.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

use aws_lc_rs::digest::{Context, SHA256};

use crate::plan::{Fingerprint, PlannedService, Source};

/// What a service must be replaced for. Conditions and readiness tests are not part of it: they change no container.
pub(super) fn fingerprint(service: &PlannedService, salt: &str) -> Fingerprint {
    let mut fields = BTreeMap::new();
    let mut note = |name: String, value: &[u8]| {
        fields.insert(name.clone(), short_hash(salt, &name, value));
    };
    let program = match &service.source {
        Source::Image { reference, .. } => ("image", reference.clone()),
        Source::Built(image) => ("build", image.reference.clone()),
        Source::Packaged { executable } | Source::Executable { executable } => ("program", executable.digest.clone()),
        Source::Process => ("program", "run".into()),
    };
    note(program.0.into(), program.1.as_bytes());
    for (name, value) in &service.environment {
        note(format!("environment.{name}"), value.as_bytes());
    }
    for (path, digest) in &service.mounted {
        note(format!("volumes {path}"), digest.as_bytes());
    }
    for file in &service.files {
        let mut value = file.content.clone();
        value.extend_from_slice(&file.mode.to_be_bytes());
        note(format!("file {}", file.path), &value);
    }
    let mut debug = |name: &str, value: &dyn Debug| note(name.into(), format!("{value:?}").as_bytes());
    debug("entrypoint", &service.entrypoint);
    debug("command", &service.command);
    debug("ports", &service.ports);
    debug("volumes", &service.mounts);
    debug("tmpfs", &service.tmpfs);
    debug("network", &service.network);
    debug("restart", &service.restart);
    debug("stop", &service.stop);
    debug("hardening", &service.hardening);
    debug("container", &service.container);
    Fingerprint(fields)
}

fn short_hash(salt: &str, name: &str, value: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    for part in [salt.as_bytes(), b"\0", name.as_bytes(), b"\0", value] {
        context.update(part);
    }
    hex(context.finish().as_ref().get(..6).unwrap_or_default())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
