//! The lowering of `identity:`, `idp:` and `iam:` into the input types of the two built-in services.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::time::Duration;

use mock_iam::config::{AwsRole, Caller, Github, OidcProvider, Permission, PolicyDirectory, Sts};
use mock_idp::config::{AccessToken, Client, Grant, TokenFormat};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::manifest::{EngineName, Manifest, Readiness, ReadinessTest, Restart, SecretSource};
use crate::plan::context::{Context, SecretKey};
use crate::plan::service::GRACE;
use crate::plan::{
    ContainerSettings, DeliveredFile, Fingerprint, Hardening, PlannedMount, PlannedMountSource, PlannedService,
    PublishedPort, Role, ServiceNetwork, Source, Stop,
};

/// Name of the provider's service.
pub const IDP: &str = "idp";
/// Name of the IAM's service.
pub const IAM: &str = "iam";

/// Where the IAM's container sees the policies.
const POLICIES: &str = "/policies";

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
    let port = manifest.idp.as_ref()?.port;
    let config = idp_config(manifest, context)?.ok()?;
    Some(built_in(context, IDP, port, serde_json::to_vec(&config).unwrap_or_default()))
}

/// Why the provider would not start with this configuration.
pub(super) fn idp_problem(manifest: &Manifest, context: &Context) -> Option<String> {
    match idp_config(manifest, context)? {
        Ok(config) => without_secrets(config).check().err().map(|error| error.to_string()),
        Err(problem) => Some(problem),
    }
}

/// The configuration as if every secret were a good one. They are ours, not the team's, and a command that starts nothing
/// (`plan`, `down`) has none.
fn without_secrets(mut config: mock_idp::Config) -> mock_idp::Config {
    let placeholder = || Some(mock_idp::secret::Secret::new("x".repeat(43)));
    config.control_token = placeholder();
    for client in config.clients.values_mut().filter(|client| client.secret.is_some()) {
        client.secret = placeholder();
    }
    config
}

fn idp_config(manifest: &Manifest, context: &Context) -> Option<Result<mock_idp::Config, String>> {
    let idp = manifest.idp.as_ref()?;
    let secret = |key: SecretKey| mock_idp::secret::Secret::new(context.secrets.get(&key));
    let config = mock_idp::Config {
        issuer: format!("http://localhost:{}", idp.port),
        personas: personas(manifest, |tenant, roles, attributes| mock_idp::config::Persona {
            tenant,
            roles,
            attributes,
        }),
        clients: match clients(manifest, context) {
            Ok(clients) => clients,
            Err(problem) => return Some(Err(problem)),
        },
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
    Some(with_settings(&config, &idp.settings).map_err(|error| format!("the section `idp` {error}")))
}

/// A configuration with settings of the manifest over it. Its own type reads them, so that nothing is passed on unread.
fn with_settings<T: Serialize + DeserializeOwned>(
    base: &T,
    settings: &serde_json::Map<String, serde_json::Value>,
) -> Result<T, String> {
    let unreadable = |error: serde_json::Error| format!("cannot be read: {error}");
    let mut whole = serde_json::to_value(base).map_err(unreadable)?;
    if let Some(members) = whole.as_object_mut() {
        members.extend(settings.clone());
    }
    serde_json::from_value(whole).map_err(unreadable)
}

pub(super) fn iam(manifest: &Manifest, context: &Context) -> Option<PlannedService> {
    let iam = manifest.iam.as_ref()?;
    // The policies travel in the configuration, too: what is mounted may not be readable for the user of the container.
    let watched = iam
        .policies
        .as_ref()
        .filter(|_| iam.watch && context.shares_files)
        .map(|path| context.project.directory.join(path));
    let config = mock_iam::Config {
        policy_directory: watched.as_ref().zip(iam.policies.as_ref()).map(|(path, name)| PolicyDirectory {
            path: if context.engine == EngineName::Docker { POLICIES.into() } else { path.clone() },
            name: name.display().to_string(),
        }),
        base_url: format!("http://localhost:{}", iam.port),
        tenants: manifest.identity.tenants.clone(),
        personas: personas(manifest, |tenant, roles, attributes| mock_iam::config::Persona {
            tenant,
            roles,
            attributes,
        }),
        policies: context.policies.clone(),
        callers: callers(manifest, context),
        subject_issuer: manifest.idp.as_ref().map(|idp| format!("http://localhost:{}", idp.port)),
        sts: sts(manifest, context),
        github: iam.github.as_ref().map(|repository| Github {
            repository: repository.clone(),
            git_ref: "refs/heads/main".to_owned(),
            environment: None,
            claims: serde_json::Map::new(),
        }),
        ..mock_iam::Config::default()
    };
    let mut service = built_in(context, IAM, iam.port, serde_json::to_vec(&config).unwrap_or_default());
    service.mounts.extend(watched.filter(|_| context.engine == EngineName::Docker).map(|path| PlannedMount {
        source: PlannedMountSource::Bind(path),
        target: POLICIES.to_owned(),
        read_only: true,
        options: crate::manifest::MountOptions::default(),
    }));
    Some(service)
}

/// AWS roles trust the stack's own provider. Its keys are fetched where the IAM reaches it, whatever the issuer's URL is.
fn sts(manifest: &Manifest, context: &Context) -> Sts {
    let (Some(iam), Some(idp)) = (&manifest.iam, &manifest.idp) else { return Sts::default() };
    let host = if context.engine == EngineName::Docker { IDP } else { "localhost" };
    let provider = OidcProvider {
        issuer: format!("http://localhost:{}", idp.port),
        jwks_url: Some(format!("http://{host}:{}/jwks", idp.port)),
        client_ids: idp.audience.iter().cloned().chain(["sts.amazonaws.com".to_owned()]).collect(),
    };
    // Its own keys are fetched where it listens, in a container, too.
    let github = iam.github.as_ref().map(|_| OidcProvider {
        issuer: format!("http://localhost:{}/github", iam.port),
        jwks_url: None,
        client_ids: vec!["sts.amazonaws.com".to_owned()],
    });
    let role = |(name, path): (&String, &std::path::PathBuf)| {
        let text = context.files.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        (name.clone(), AwsRole { trust_policy: text.into(), max_session_seconds: 3600 })
    };
    Sts {
        providers: std::iter::once(provider).chain(github).collect(),
        roles: iam.aws_roles.iter().map(role).collect(),
    }
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

fn clients(manifest: &Manifest, context: &Context) -> Result<BTreeMap<String, Client>, String> {
    let lower = |(name, client): (&String, &crate::manifest::Client)| {
        let key = SecretKey::Client(name.clone());
        // A client that signs has nothing to send.
        let signs = client.settings.get("auth_method").is_some_and(|method| method == "private_key_jwt");
        let secret = (client.confidential && !signs).then(|| mock_idp::secret::Secret::new(context.secrets.get(&key)));
        let grants = client.grants.iter().filter_map(|grant| match grant.as_str() {
            "authorization_code" => Some(Grant::AuthorizationCode),
            "client_credentials" => Some(Grant::ClientCredentials),
            "refresh_token" => Some(Grant::RefreshToken),
            "device_code" => Some(Grant::DeviceCode),
            "token_exchange" => Some(Grant::TokenExchange),
            "jwt_bearer" => Some(Grant::JwtBearer),
            _ => None,
        });
        let base = Client {
            secret,
            redirect_uris: client.redirect_uris.clone(),
            grants: grants.collect(),
            scopes: client.scopes.clone(),
            ..Client::default()
        };
        let whole = with_settings(&base, &client.settings);
        whole.map(|client| (name.clone(), client)).map_err(|error| format!("the client `{name}` {error}"))
    };
    manifest.identity.clients.iter().map(lower).collect()
}

fn callers(manifest: &Manifest, context: &Context) -> BTreeMap<String, Caller> {
    use Permission::{Control, Decide, GithubToken, ReadDirectory, ReceiveEvents, WriteDirectory};
    let caller = |key: SecretKey, may: Vec<Permission>| Caller {
        token: mock_iam::secret::Secret::new(context.secrets.get(&key)),
        may,
        user: None,
    };
    let mut callers = BTreeMap::from([
        (
            "devenv".to_owned(),
            caller(SecretKey::IamControl, vec![Decide, ReadDirectory, WriteDirectory, ReceiveEvents, Control]),
        ),
        (IDP.to_owned(), caller(SecretKey::IamDirectory, vec![ReadDirectory])),
    ]);
    for (name, source) in &manifest.secrets {
        if let SecretSource::Iam(permissions) = source {
            let may = permissions.iter().filter_map(|word| match word.as_str() {
                "decide" => Some(Decide),
                "read_directory" => Some(ReadDirectory),
                "write_directory" => Some(WriteDirectory),
                "receive_events" => Some(ReceiveEvents),
                "github_token" => Some(GithubToken),
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
        mounted: BTreeMap::new(),
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
