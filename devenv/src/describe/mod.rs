//! A stack to the target of the tests: the lowering of manifest and access rules into what `security-tests` reads. Pure.
//!
//! Must not know how tests are run nor how anything is shown.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod clients;
mod decider;

use std::collections::BTreeMap;
use std::sync::Arc;

use security_tests::access::AccessRules;
use security_tests::lock::AccessLock;
use security_tests::oracle::Decider;
use security_tests::target::{Controls, Directory, Persona, Provider};
use security_tests::tokens::words::Project;
use security_tests::{Api, Base, Secret, Target};

use crate::manifest::Manifest;

pub use decider::{CedarDecider, seeded_directory};

/// What a target is described from.
pub struct Description<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// Name of the project: the name of the API for policies.
    pub name: &'a str,
    /// Where the service under test answers; empty when no stack is needed.
    pub base_url: String,
    /// Its OpenAPI document.
    pub api: Api,
    /// Who may do what.
    pub access: AccessRules,
    /// Words that may be the API's signing key.
    pub words: Project,
    /// The policies, when there are any.
    pub decider: Option<CedarDecider>,
    /// The recorded access matrix.
    pub lock: Option<AccessLock>,
    /// The project at an earlier revision.
    pub base: Option<Base>,
    /// Bearer token of the provider's control API.
    pub idp_control: Option<String>,
    /// Bearer token of the IAM with every permission.
    pub iam_control: Option<String>,
    /// Secrets of the provider's clients, by name, as far as they are made.
    pub client_secrets: BTreeMap<String, String>,
}

/// Describes the target.
#[must_use]
pub fn describe(description: Description<'_>) -> Target {
    let Description {
        manifest,
        name,
        base_url,
        api,
        access,
        words,
        decider,
        lock,
        base,
        idp_control,
        iam_control,
        client_secrets,
    } = description;
    let persona = |(name, persona): (&String, &crate::manifest::Persona)| {
        (name.clone(), Persona { tenant: persona.tenant.clone(), roles: persona.roles.clone(), account: None })
    };
    let provider = manifest.idp.as_ref().zip(idp_control).map(|(idp, token)| Provider {
        issuer: format!("http://localhost:{}", idp.port),
        control_token: Secret::new(token),
        audience: idp.audience.clone(),
        clients: clients::clients(manifest, idp, &client_secrets),
    });
    let controls = Controls {
        provider: provider.is_some(),
        signed_tokens: manifest.idp.as_ref().is_some_and(|idp| !idp.opaque),
        refresh_client: refresh_client(manifest),
        iam: manifest
            .iam
            .as_ref()
            .filter(|_| iam_control.is_some())
            .map(|iam| format!("http://localhost:{}", iam.port)),
        undo: Arc::default(),
    };
    let directory = manifest.iam.as_ref().zip(iam_control).map(|(iam, token)| Directory {
        scim_url: format!("http://localhost:{}/scim/v2", iam.port),
        token: Secret::new(token),
    });
    Target {
        name: name.to_owned(),
        base_url: api.address(&base_url),
        api,
        access,
        personas: manifest.identity.personas.iter().map(persona).collect(),
        provider,
        directory,
        lock,
        base,
        decider: decider.map(|decider| Arc::new(decider) as Arc<dyn Decider>),
        words,
        controls,
    }
}

/// A client without a secret that may refresh: the first one.
fn refresh_client(manifest: &Manifest) -> Option<String> {
    let may = |client: &crate::manifest::Client| {
        !client.confidential && client.grants.iter().any(|grant| grant == "refresh_token")
    };
    let mut clients = manifest.identity.clients.iter();
    clients.find(|(_, client)| may(client)).map(|(name, _)| name.clone())
}
