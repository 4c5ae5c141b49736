//! The lowering of `identity:`, `idp:` and `iam:` into the input types of the two built-in services.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::time::Duration;

use mock_iam::config::{Caller, Permission};
use mock_idp::config::{AccessToken, Client, Grant, TokenFormat};

use crate::manifest::{EngineName, Manifest, Readiness, ReadinessTest, Restart, SecretSource};
use crate::plan::context::{Context, SecretKey};
use crate::plan::service::GRACE;
use crate::plan::{
    ContainerSettings, DeliveredFile, Fingerprint, Hardening, PlannedService, PublishedPort, Role, ServiceNetwork,
    Source, Stop,
};

/// Name of the provider's service.
pub const IDP: &str = "idp";
/// Name of the IAM's service.
pub const IAM: &str = "iam";

/// The user that built-in and packaged programs run as: nobody that exists on the machine.
const NOBODY: &str = "65532:65532";

/// Least privilege for programs that we package ourselves.
#[must_use]
pub fn hardened() -> Hardening {
    Hardening {
        user: Some(NOBODY.into()),
        read_only: true,
        cap_drop: vec!["ALL".into()],
        security_opt: vec!["no-new-privileges:true".into()],
        pids_limit: Some(256),
        init: true,
        ..Hardening::default()
    }
}

pub(super) fn idp(manifest: &Manifest, context: &Context) -> Option<PlannedService> {
    let idp = manifest.idp.as_ref()?;
    let secret = |key: SecretKey| mock_idp::secret::Secret::new(context.secrets.get(&key));
    let config = mock_idp::Config {
        issuer: format!("http://localhost:{}", idp.port),
        personas: personas(manifest, |tenant, roles, attributes| mock_idp::config::Persona {
            tenant,
            roles,
            attributes,
        }),
        clients: clients(manifest, context),
        access_token: AccessToken {
            format: if idp.opaque { TokenFormat::Opaque } else { TokenFormat::Jwt },
            lifetime_seconds: idp.lifetime.as_secs(),
            audience: idp.audience.clone(),
        },
        directory: manifest.iam.as_ref().map(|iam| mock_idp::config::Directory {
            scim_url: match context.engine {
                EngineName::Docker => format!("http://{IAM}:{}/scim/v2", iam.port),
                EngineName::Embedded => format!("http://localhost:{}/scim/v2", iam.port),
            },
            token: secret(SecretKey::IamDirectory),
        }),
        control_token: Some(secret(SecretKey::IdpControl)),
        signing_key: Some(secret(SecretKey::SigningKey)),
        service_name: Some(IDP.to_owned()),
        ..mock_idp::Config::default()
    };
    Some(built_in(context, IDP, idp.port, serde_json::to_vec(&config).unwrap_or_default()))
}

pub(super) fn iam(manifest: &Manifest, context: &Context) -> Option<PlannedService> {
    let iam = manifest.iam.as_ref()?;
    let config = mock_iam::Config {
        base_url: format!("http://localhost:{}", iam.port),
        tenants: manifest.identity.tenants.clone(),
        personas: personas(manifest, |tenant, roles, attributes| mock_iam::config::Persona {
            tenant,
            roles,
            attributes,
        }),
        policies: context.policies.clone(),
        callers: callers(manifest, context),
        decision_log: None,
    };
    Some(built_in(context, IAM, iam.port, serde_json::to_vec(&config).unwrap_or_default()))
}

/// Each leaf has a persona type of its own with the same three parts.
fn personas<P>(
    manifest: &Manifest,
    make: impl Fn(Option<String>, Vec<String>, BTreeMap<String, serde_json::Value>) -> P,
) -> BTreeMap<String, P> {
    let lower = |(name, persona): (&String, &crate::manifest::Persona)| {
        (name.clone(), make(persona.tenant.clone(), persona.roles.clone(), persona.attributes.clone()))
    };
    manifest.identity.personas.iter().map(lower).collect()
}

fn clients(manifest: &Manifest, context: &Context) -> BTreeMap<String, Client> {
    let lower = |(name, client): (&String, &crate::manifest::Client)| {
        let key = SecretKey::Client(name.clone());
        let secret = client.confidential.then(|| mock_idp::secret::Secret::new(context.secrets.get(&key)));
        let grants = client.grants.iter().filter_map(|grant| match grant.as_str() {
            "authorization_code" => Some(Grant::AuthorizationCode),
            "client_credentials" => Some(Grant::ClientCredentials),
            "refresh_token" => Some(Grant::RefreshToken),
            _ => None,
        });
        let client = Client {
            secret,
            redirect_uris: client.redirect_uris.clone(),
            grants: grants.collect(),
            scopes: client.scopes.clone(),
            ..Client::default()
        };
        (name.clone(), client)
    };
    manifest.identity.clients.iter().map(lower).collect()
}

fn callers(manifest: &Manifest, context: &Context) -> BTreeMap<String, Caller> {
    use Permission::{Control, Decide, ReadDirectory, WriteDirectory};
    let caller = |key: SecretKey, may: Vec<Permission>| Caller {
        token: mock_iam::secret::Secret::new(context.secrets.get(&key)),
        may,
    };
    let mut callers = BTreeMap::from([
        ("devenv".to_owned(), caller(SecretKey::IamControl, vec![Decide, ReadDirectory, WriteDirectory, Control])),
        (IDP.to_owned(), caller(SecretKey::IamDirectory, vec![ReadDirectory])),
    ]);
    for (name, source) in &manifest.secrets {
        if let SecretSource::Iam(permissions) = source {
            let may = permissions.iter().filter_map(|word| match word.as_str() {
                "decide" => Some(Decide),
                "read_directory" => Some(ReadDirectory),
                "write_directory" => Some(WriteDirectory),
                "control" => Some(Control),
                _ => None,
            });
            callers.insert(format!("secret:{name}"), caller(SecretKey::Generated(name.clone()), may.collect()));
        }
    }
    callers
}

/// The same executable and the same arguments in a container and as a process.
fn built_in(context: &Context, name: &str, port: u16, config: Vec<u8>) -> PlannedService {
    let executable = context.executable.clone();
    let (source, config_path, listen) = match context.engine {
        EngineName::Docker => (Source::Packaged { executable }, "/run/devenv/config.json".to_owned(), "0.0.0.0"),
        EngineName::Embedded => {
            let path = context.project.state.join("services").join(name).join("files/config.json");
            (Source::Executable { executable }, path.display().to_string(), "127.0.0.1")
        }
    };
    let words = ["serve", name, "--config", &config_path, "--listen", &format!("{listen}:{port}")];
    PlannedService {
        name: name.into(),
        role: Role::BuiltIn,
        source,
        entrypoint: None,
        command: words.map(str::to_owned).to_vec(),
        environment: BTreeMap::new(),
        files: vec![DeliveredFile { path: config_path, content: config, mode: 0o400 }],
        ports: vec![PublishedPort { host_ip: "127.0.0.1".into(), host: port, target: port, udp: false }],
        mounts: vec![],
        tmpfs: BTreeMap::new(),
        network: ServiceNetwork::Host,
        depends_on: BTreeMap::new(),
        readiness: Some(Readiness {
            test: ReadinessTest::Http { path: "/health".into(), port: Some(port) },
            timeout: Duration::from_secs(2),
            within: Duration::from_secs(15),
        }),
        restart: Restart::OnFailure { attempts: 3 },
        stop: Stop { signal: "SIGTERM".into(), grace: GRACE },
        hardening: hardened(),
        container: ContainerSettings {
            name: format!("{}-{name}", context.project.id()),
            ..ContainerSettings::default()
        },
        fingerprint: Fingerprint::default(),
    }
}
