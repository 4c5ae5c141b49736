//! Does each grant of each client work? The control of every other check of this layer: without it a refusal proves
//! nothing. Never a defect by itself.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::checks::{Check, Evidence, Work};
use crate::flow::script::{Question, Registered, Script, clients};
use crate::flow::{Call, Credentials, Endpoint, Subject, judge};
use crate::oracle::{Decision, Relation};
use crate::plan::{Action, Case, Detail, Draft, Phase, Role, Trial};
use crate::target::GrantType;
use crate::verdict::{Layer, Outcome, Severity, Tier};

pub(crate) static CHECK: Check = Check {
    id: "grant-control",
    title: "does not give what a client is registered for",
    layer: Layer::Flow,
    tier: Tier::Exploit,
    owasp: "API8:2023",
    cwe: "CWE-1059",
    severity: Severity::Low,
    work: Work::Online(plan, judge),
};

fn plan(draft: &mut Draft<'_>) {
    let clients = clients(draft);
    if clients.is_empty() {
        return;
    }
    discover(draft);
    for registered in &clients {
        for grant in GrantType::ALL.into_iter().filter(|grant| registered.has(*grant)) {
            match registered.obstacle(grant) {
                Some(obstacle) => draft.case(impossible(registered, grant, obstacle)),
                None => sound_run(draft, registered, grant),
            }
        }
    }
}

fn judge(case: &Case, evidence: &Evidence<'_>) -> Outcome {
    match judge::answered(case, evidence) {
        Ok(_) => Outcome::Pass("works".to_owned()),
        Err(outcome) => outcome,
    }
}

/// Metadata and keys, before anything else.
fn discover(draft: &mut Draft<'_>) {
    let group = draft.group(Phase::Setup);
    for endpoint in [Endpoint::Metadata, Endpoint::Keys] {
        let call = Call {
            flow: group,
            client: String::new(),
            endpoint,
            parameters: Vec::new(),
            credentials: Credentials::None,
            suffix: "",
        };
        draft.step(group, Role::Setup, Action::Flow(Box::new(call)));
    }
}

fn sound_run(draft: &mut Draft<'_>, registered: &Registered, grant: GrantType) {
    let persona = draft.personas().into_iter().next().unwrap_or_default();
    let mut script = Script::open(draft, registered);
    match grant {
        GrantType::AuthorizationCode => {
            script.authorize(Role::Setup, &[]);
            script.redeem(Role::Control, &[]);
        }
        GrantType::RefreshToken => {
            script.authorize(Role::Setup, &[]);
            script.redeem(Role::Setup, &[]);
            script.refresh(Role::Control, &[]);
        }
        GrantType::ClientCredentials => drop(script.own_token(Role::Control, &[], registered.credentials())),
        GrantType::DeviceCode => {
            script.begin_device(Role::Setup);
            script.answer_device(Role::Setup, &persona);
            script.redeem_device(Role::Control);
        }
    }
    script.case(&CHECK, (registered, grant), Question { variant: grant.name(), value: "" });
}

/// A grant that the tests cannot try: said, and not counted.
fn impossible(registered: &Registered, grant: GrantType, obstacle: String) -> Case {
    Case {
        id: format!("{}:token:{}:{}", CHECK.id, registered.id, grant.name()),
        check: CHECK.id,
        operation: Endpoint::Token.as_str().to_owned(),
        persona: None,
        relation: Relation::None,
        expected: Decision::Allow,
        // No step has this number.
        trial: Trial { attack: usize::MAX, ..Trial::default() },
        detail: Detail::Flow(Box::new(Subject {
            client: Some(registered.id.clone()),
            grant: Some(grant),
            obstacle: Some(obstacle),
            ..Subject::default()
        })),
    }
}
