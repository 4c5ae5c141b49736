//! Plans and observations as short texts. Must not know what is tested with them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::{Observed, ObservedService, ServiceState};
use crate::manifest::{Condition, EngineName, PullPolicy, Readiness, ReadinessTest, Restart};
use crate::plan::{
    ContainerSettings, Fingerprint, Hardening, Plan, PlannedMount, PlannedMountSource, PlannedNetwork, PlannedService,
    PlannedVolume, Project, Role, ServiceNetwork, Source, Stop,
};

/// One service a line: `name: [ready] [volume] [after OTHER started|healthy|completed] [in OTHER]`.
pub(crate) fn plan(text: &str) -> Plan {
    let project = Project { name: "p".into(), instance: "0".into(), directory: "/p".into(), state: "/s".into() };
    let services: BTreeMap<String, PlannedService> =
        text.lines().map(service).map(|service| (service.name.clone(), service)).collect();
    let network = PlannedNetwork { name: "p_default".into(), external: false, internal: false, ..Default::default() };
    let volumes = text
        .contains("volume")
        .then(|| ("data".to_owned(), PlannedVolume { name: "p_data".into(), external: false, ..Default::default() }));
    Plan {
        project,
        engine: EngineName::Docker,
        services,
        networks: BTreeMap::from([("default".to_owned(), network)]),
        volumes: volumes.into_iter().collect(),
    }
}

fn service(line: &str) -> PlannedService {
    let (name, rest) = line.split_once(':').unwrap();
    let words: Vec<&str> = rest.split_whitespace().collect();
    let value = |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied();
    let condition = |word: &str| match word {
        "started" => Condition::Started,
        "healthy" => Condition::Healthy,
        _ => Condition::Completed,
    };
    let after = words.iter().position(|word| *word == "after");
    let depends_on =
        after.map(|at| (words[at + 1].to_owned(), condition(words[at + 2]))).into_iter().collect::<BTreeMap<_, _>>();
    let mount = PlannedMount {
        source: PlannedMountSource::Volume("data".into()),
        target: "/data".into(),
        read_only: false,
        options: Default::default(),
    };
    PlannedService {
        name: name.into(),
        role: Role::User,
        source: Source::Image { reference: "image".into(), pull: PullPolicy::Missing },
        entrypoint: None,
        command: vec![],
        environment: BTreeMap::new(),
        files: vec![],
        ports: vec![],
        mounted: BTreeMap::new(),
        mounts: if words.contains(&"volume") { vec![mount] } else { vec![] },
        tmpfs: BTreeMap::new(),
        network: value("in").map_or_else(
            || ServiceNetwork::Networks(vec!["default".into()]),
            |owner| ServiceNetwork::SharedWith(owner.into()),
        ),
        depends_on,
        readiness: words.contains(&"ready").then(|| Readiness {
            test: ReadinessTest::Exec { words: vec!["true".into()] },
            timeout: Duration::from_secs(1),
            within: Duration::from_secs(1),
        }),
        restart: Restart::No,
        stop: Stop { signal: "SIGTERM".into(), grace: Duration::from_secs(1) },
        hardening: Hardening::default(),
        container: ContainerSettings::default(),
        fingerprint: Fingerprint(BTreeMap::from([("image".to_owned(), "1".to_owned())])),
    }
}

/// One service a line: `name running|created|paused|orphaned|exited CODE [changed]`.
pub(crate) fn observed(plan: &Plan, text: &str) -> Observed {
    let mut observed = Observed::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let state = match words[1] {
            "running" => ServiceState::Running,
            "created" => ServiceState::Created,
            "paused" => ServiceState::Paused,
            "orphaned" => ServiceState::Orphaned,
            _ => ServiceState::Exited { code: words[2].parse().unwrap() },
        };
        let version = if words.contains(&"changed") { "0" } else { "1" };
        let service = ObservedService {
            id: words[0].into(),
            fingerprint: Fingerprint(BTreeMap::from([("image".to_owned(), version.to_owned())])),
            state,
            ports: vec![],
            on_host: false,
            started_at: 0,
            detached: false,
            circumstances: crate::engine::observed::Circumstances::default(),
        };
        observed.services.insert(words[0].into(), service);
    }
    if !text.is_empty() {
        observed.networks = plan.networks.keys().cloned().collect();
        observed.volumes = plan.volumes.keys().cloned().collect();
    }
    observed
}
