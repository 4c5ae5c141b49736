//! The rules: what each looks at, and what it says. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Rule, Severity};
use crate::manifest::{MountSource, Service};

/// CIS Docker Benchmark 5.14; OWASP Docker Security Cheat Sheet, rule 5a.
const PORTS: Rule = Rule {
    id: "ports-on-all-interfaces",
    severity: Severity::High,
    title: "a port is open to the whole network",
    fix: "publish it on 127.0.0.1, or leave the address out: devenv then does",
};
/// CIS Docker Benchmark 5.5.
const PRIVILEGED: Rule = Rule {
    id: "privileged",
    severity: Severity::High,
    title: "a privileged container owns the machine",
    fix: "remove `privileged`, and add the one capability or device that is needed",
};
/// CIS Docker Benchmark 5.32; OWASP Docker Security Cheat Sheet, rule 1.
const SOCKET: Rule = Rule {
    id: "docker-socket",
    severity: Severity::High,
    title: "whoever reaches the engine's socket owns the machine",
    fix: "remove the mount, or put a proxy in front that only lets harmless requests through",
};
/// OWASP Docker Security Cheat Sheet, rule 12; CWE-798.
const SECRET: Rule = Rule {
    id: "inline-secret",
    severity: Severity::High,
    title: "a secret is written in the file and visible in `docker inspect`",
    fix: "use `secrets:` with `generate: true` or `file:`, and the program's `…_FILE` variable",
};
/// CIS Docker Benchmark 5.4.
const CAPABILITY: Rule = Rule {
    id: "dangerous-capability",
    severity: Severity::High,
    title: "a capability lets the container leave its bounds",
    fix: "remove it from `cap_add`",
};
/// CIS Docker Benchmark 5.10, 5.16, 5.17.
const NAMESPACE: Rule = Rule {
    id: "host-namespace",
    severity: Severity::Medium,
    title: "the container shares a namespace with the machine",
    fix: "remove it; publish ports instead of `network_mode: host`",
};
/// CIS Docker Benchmark 5.6.
const DIRECTORY: Rule = Rule {
    id: "host-directory",
    severity: Severity::Medium,
    title: "the container sees a directory that belongs to the system",
    fix: "mount only the file or the directory of the project that is needed",
};
/// CIS Docker Benchmark 5.2, 5.22.
const UNCONFINED: Rule = Rule {
    id: "unconfined",
    severity: Severity::Medium,
    title: "a protection of the engine is switched off",
    fix: "remove it from `security_opt`",
};
/// CIS Docker Benchmark 5.28; OWASP Docker Security Cheat Sheet, rule 13.
const UNPINNED: Rule = Rule {
    id: super::UNPINNED_IMAGE,
    severity: Severity::Medium,
    title: "the image can be another one tomorrow",
    fix: "name a version, and `devenv lock` its content",
};
/// CIS Docker Benchmark 5.11, 5.29; OWASP Docker Security Cheat Sheet, rule 7.
const LIMITS: Rule = Rule {
    id: "no-limits",
    severity: Severity::Low,
    title: "the container may use up the machine",
    fix: "set `mem_limit` and `pids_limit`",
};
/// CIS Docker Benchmark 5.26; OWASP Docker Security Cheat Sheet, rule 4.
const PRIVILEGES: Rule = Rule {
    id: "new-privileges",
    severity: Severity::Low,
    title: "a program of the container can gain more rights than it was started with",
    fix: "set `security_opt: [\"no-new-privileges:true\"]`",
};
/// CIS Docker Benchmark 4.1; OWASP Docker Security Cheat Sheet, rule 2.
const ROOT: Rule = Rule {
    id: "root-user",
    severity: Severity::Low,
    title: "the container runs as the image says, mostly as root",
    fix: "set `user`, e.g. `user: \"1000:1000\"`",
};
/// CIS Docker Benchmark 5.13; OWASP Docker Security Cheat Sheet, rule 8.
const WRITABLE: Rule = Rule {
    id: "writable-root",
    severity: Severity::Low,
    title: "an intruder can change the container's programs",
    fix: "set `read_only: true`, with `tmpfs` or volumes where it must write",
};

/// All of them, worst first.
pub(super) const ALL: &[&Rule] = &[
    &PORTS,
    &PRIVILEGED,
    &SOCKET,
    &SECRET,
    &CAPABILITY,
    &NAMESPACE,
    &DIRECTORY,
    &UNCONFINED,
    &UNPINNED,
    &LIMITS,
    &PRIVILEGES,
    &ROOT,
    &WRITABLE,
];

/// Capabilities that lead out of a container (capabilities(7)).
const LEADING_OUT: [&str; 9] =
    ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "DAC_READ_SEARCH", "NET_ADMIN", "BPF"];
/// Names of variables that hold secrets, by one of their words.
const SECRET_WORDS: [&str; 7] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "CREDENTIALS", "PASSPHRASE"];

/// A rule that a service breaks.
pub(super) struct Broken {
    pub(super) rule: &'static Rule,
    /// Keys below the service.
    pub(super) path: Vec<String>,
    pub(super) message: String,
    pub(super) fix: Option<Fix>,
}

/// What can be done about it without anybody's decision.
pub(super) enum Fix {
    /// Other text in its place.
    Replace { from: String, to: String },
    /// Keys for the service.
    Insert(Vec<String>),
    /// This variable's value goes into a file.
    Secret(String),
}

/// Room enough for what developers run, and an end to what runs wild.
const MEMORY: &str = "mem_limit: 2g";
const PROCESSES: &str = "pids_limit: 1024";

/// Images whose start script reads `VARIABLE_FILE`, with those variables (their documentation, "Docker Secrets").
const READ_FILES: [(&str, &[&str]); 6] = [
    ("postgres", &["POSTGRES_PASSWORD"]),
    ("mysql", &["MYSQL_ROOT_PASSWORD", "MYSQL_PASSWORD"]),
    ("mariadb", &["MARIADB_ROOT_PASSWORD", "MARIADB_PASSWORD", "MYSQL_ROOT_PASSWORD", "MYSQL_PASSWORD"]),
    ("mongo", &["MONGO_INITDB_ROOT_PASSWORD"]),
    ("wordpress", &["WORDPRESS_DB_PASSWORD"]),
    ("nextcloud", &["MYSQL_PASSWORD", "POSTGRES_PASSWORD", "NEXTCLOUD_ADMIN_PASSWORD"]),
];

/// Directories of the system (CIS Docker Benchmark 5.6), but for a time zone that many mount.
const OF_THE_SYSTEM: [&str; 9] = ["/", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/sys", "/usr"];

fn at(rule: &'static Rule, path: &[&str], message: impl Into<String>) -> Broken {
    let path = path.iter().map(|step| (*step).to_owned()).collect();
    Broken { rule, path, message: message.into(), fix: None }
}

/// Everything that is wrong with a service. Processes have neither capabilities nor images: only their secrets count.
pub(super) fn broken(service: &Service) -> Vec<Broken> {
    let mut all = written(service);
    if service.image.is_some() || service.build.is_some() {
        all.extend(missing(service));
    }
    all
}

/// What is wrong with what a part of a service says, whatever it leaves out.
pub(super) fn written(service: &Service) -> Vec<Broken> {
    let mut all = secrets(service);
    if service.run.is_none() && service.binary.is_none() {
        all.extend(powers(service));
    }
    all
}

/// Ports that are open to the network, of the texts below `ports` with the way to each.
pub(super) fn open_ports(texts: &[(Vec<String>, String)]) -> Vec<Broken> {
    let open = |(path, text): &(Vec<String>, String)| {
        let (from, to) = match path.as_slice() {
            [_, key] if key == "host_ip" && text == "0.0.0.0" => ("0.0.0.0", "127.0.0.1"),
            [_, key] if key == "host_ip" && text == "::" => ("::", "::1"),
            [_] if text.starts_with("0.0.0.0:") => ("0.0.0.0:", "127.0.0.1:"),
            [_] if text.starts_with("[::]:") => ("[::]:", "[::1]:"),
            _ => return None,
        };
        let path: Vec<&str> = std::iter::once("ports").chain(path.iter().map(String::as_str)).collect();
        let address = from.trim_end_matches(':').trim_matches(['[', ']']);
        let address = if address.is_empty() { "::" } else { address };
        let fix = Some(Fix::Replace { from: from.to_owned(), to: to.to_owned() });
        Some(Broken { fix, ..at(&PORTS, &path, format!("a port is published on {address}")) })
    };
    texts.iter().filter_map(open).collect()
}

fn secrets(service: &Service) -> Vec<Broken> {
    let holds_one = |name: &str, value: &str| {
        let words: Vec<String> = name.split(['_', '-', '.']).map(str::to_uppercase).collect();
        let named = words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
            || name.to_uppercase().contains("API_KEY")
            || name.to_uppercase().contains("PRIVATE_KEY");
        // A place, a lifetime or a switch is no secret.
        let last = words.last().map_or("", String::as_str);
        let about = ["FILE", "PATH", "LIFETIME", "TTL", "URL", "NAME", "LENGTH", "EXPIRY"].contains(&last);
        named && !about && !value.is_empty() && !value.contains("${DEVENV_") && !value.starts_with("/run/secrets/")
    };
    let inline = service.environment.iter().filter(|(name, value)| holds_one(name, value));
    let can_move = service.secrets.is_empty();
    let reads_file = |name: &str| can_move && service.image.as_deref().is_some_and(|image| reads_file(image, name));
    let finding = |(name, _): (&String, &String)| Broken {
        fix: reads_file(name).then(|| Fix::Secret(name.clone())),
        ..at(&SECRET, &["environment", name], format!("`{name}` has its value in the environment"))
    };
    inline.map(finding).collect()
}

/// Whether the program of an official image reads a variable's value from a file, too.
fn reads_file(image: &str, variable: &str) -> bool {
    let name = image.split(['@', ':']).next().unwrap_or_default();
    let official = name.strip_prefix("docker.io/").unwrap_or(name);
    let official = official.strip_prefix("library/").unwrap_or(official);
    READ_FILES.iter().any(|(known, variables)| *known == official && variables.contains(&variable))
}

fn powers(service: &Service) -> Vec<Broken> {
    let mut all = Vec::new();
    if service.privileged == Some(true) {
        all.push(at(&PRIVILEGED, &["privileged"], "the container is privileged"));
    }
    for mount in &service.volumes {
        if let MountSource::Bind(path) = &mount.source
            && (path.ends_with("docker.sock") || path.ends_with("podman.sock") || path.ends_with("containerd.sock"))
        {
            let path = path.display().to_string();
            all.push(at(&SOCKET, &["volumes", &path], format!("`{path}` is mounted")));
        } else if let MountSource::Bind(path) = &mount.source
            && OF_THE_SYSTEM.iter().any(|system| path.as_path() == std::path::Path::new(system))
        {
            let path = path.display().to_string();
            all.push(at(&DIRECTORY, &["volumes", &path], format!("`{path}` is mounted")));
        }
    }
    for capability in &service.cap_add {
        let name = capability.to_uppercase();
        if LEADING_OUT.contains(&name.trim_start_matches("CAP_")) {
            all.push(at(&CAPABILITY, &["cap_add", capability], format!("`{capability}` is added")));
        }
    }
    let options = &service.options;
    let namespaces = [
        ("network_mode", &service.network_mode),
        ("pid", &options.pid),
        ("ipc", &options.ipc),
        ("uts", &options.uts),
        ("userns_mode", &options.userns_mode),
    ];
    for (key, _) in namespaces.into_iter().filter(|(_, mode)| mode.as_deref() == Some("host")) {
        all.push(at(&NAMESPACE, &[key], format!("`{key}: host`")));
    }
    for option in service.security_opt.iter().filter(|option| option.contains("unconfined")) {
        all.push(at(&UNCONFINED, &["security_opt", option], format!("`{option}`")));
    }
    all
}

fn missing(service: &Service) -> Vec<Broken> {
    let mut all = Vec::new();
    if let Some(image) = service.image.as_ref().filter(|image| service.build.is_none() && is_unpinned(image)) {
        all.push(at(&UNPINNED, &["image"], format!("`{image}` names no version")));
    }
    if service.mem_limit.is_none() || service.pids_limit.is_none() {
        let missing = match (service.mem_limit, service.pids_limit) {
            (None, None) => "neither memory nor processes are limited",
            (None, Some(_)) => "memory is not limited",
            _ => "processes are not limited",
        };
        let keys = [(service.mem_limit.is_none(), MEMORY), (service.pids_limit.is_none(), PROCESSES)];
        let keys = keys.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, key)| key.to_owned());
        all.push(Broken { fix: Some(Fix::Insert(keys.collect())), ..at(&LIMITS, &[], missing) });
    }
    if service.privileged != Some(true) && !service.security_opt.iter().any(|option| forbids_new_privileges(option)) {
        // A list that is there is its team's.
        let fix = service.security_opt.is_empty().then(|| Fix::Insert(vec![NO_NEW_PRIVILEGES.to_owned()]));
        all.push(Broken { fix, ..at(&PRIVILEGES, &[], "`no-new-privileges` is not set") });
    }
    match service.user.as_deref() {
        None => all.push(at(&ROOT, &[], "no `user` is set")),
        Some(user) if matches!(user.split(':').next(), Some("0" | "root")) => {
            all.push(at(&ROOT, &["user"], "it runs as root"));
        }
        Some(_) => {}
    }
    if service.read_only != Some(true) {
        all.push(at(&WRITABLE, &[], "the root file system can be written"));
    }
    all
}

const NO_NEW_PRIVILEGES: &str = "security_opt: [\"no-new-privileges:true\"]";

fn forbids_new_privileges(option: &str) -> bool {
    matches!(option, "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true")
}

fn is_unpinned(image: &str) -> bool {
    let name = image.rsplit_once('/').map_or(image, |(_, name)| name);
    !name.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}
