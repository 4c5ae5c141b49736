//! The tests on a stack: brings it up, describes it as a target, walks the plan, takes it down. Must not know reports.

use std::collections::BTreeMap;

use security_tests::{Options, Run, Target, TestPlan};

use crate::commands::interrupt::Interrupts;
use crate::commands::rules::Rules;
use crate::commands::session::{Prepared, Session};
use crate::commands::{Failure, running, words};
use crate::describe::{Description, describe};
use crate::engine::reconcile::Goal;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::plan::SecretKey;
use crate::stack;

/// Takes the stack down; Ctrl-C shortens that.
pub(super) async fn clean_up(
    session: &Session,
    prepared: &Prepared,
    broken_off: bool,
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<(), Failure> {
    let goal = Goal::Down { volumes: false };
    tokio::select! {
        down = running::take_down(session, prepared, &goal, reporter) => down?,
        () = interrupts.next() => {
            running::take_down(session, prepared, &Goal::Kill, reporter).await?;
            running::take_down(session, prepared, &goal, reporter).await?;
        }
    }
    if broken_off { running::take_down_late_comers(session, prepared, &goal, reporter).await } else { Ok(()) }
}

/// Brings the stack up and runs the layers on it. Ctrl-C ends both; changed people are put back.
pub(super) async fn on_stack(
    (session, prepared): (&Session, &Prepared),
    rules: Rules,
    options: &Options,
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Run, Failure> {
    let up = running::bring_up(session, prepared, std::collections::BTreeSet::new(), reporter);
    tokio::select! {
        up = up => drop(up?),
        () = interrupts.next() => return Err(Failure::Interrupted),
    }
    let service = running::service_under_test(prepared, None)?;
    let base_url = running::url_of(service)
        .ok_or_else(|| Failure::new(Exit::Usage, format!("service `{}` has no port on this machine", service.name)))?;
    walk((session, rules), (base_url, tokens(session)), options, (reporter, interrupts)).await
}

/// Runs the layers on a stack that is up. Ctrl-C ends them; changed people are put back.
pub(super) async fn walk(
    (session, rules): (&Session, Rules),
    at: (String, ControlTokens),
    options: &Options,
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Run, Failure> {
    let target = target(session, rules, at);
    let plan = plan(&target, options)?;
    run_or_restore((&plan, &target), (reporter, interrupts)).await
}

/// Runs the layers; Ctrl-C ends that, and changed people are put back.
pub(super) async fn run_or_restore(
    (plan, target): (&TestPlan, &Target),
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Run, Failure> {
    tokio::select! {
        run = run_layers(plan, target, reporter) => Ok(run),
        () = interrupts.next() => {
            reporter.report(Event::Note { message: "putting people back as they were (Ctrl-C again to leave it)".into() });
            tokio::select! {
                restored = security_tests::restore(target) => if let Err(who) = restored {
                    reporter.report(Event::Warning { message: format!("left changed: {who}; `devenv persona --reset`") });
                },
                () = interrupts.next() => {}
            }
            Err(Failure::Interrupted)
        }
    }
}

pub(super) async fn run_layers(plan: &TestPlan, target: &Target, reporter: &Reporter) -> Run {
    let mut report = |progress: security_tests::Progress| {
        reporter.report(Event::Tests {
            phase: format!("{:?}", progress.phase).to_lowercase(),
            done: progress.done,
            total: progress.total,
        });
    };
    security_tests::run(plan, target, &mut report).await
}

/// Bearer tokens of the control endpoints of provider and IAM.
pub(super) type ControlTokens = (Option<String>, Option<String>);

pub(super) fn tokens(session: &Session) -> ControlTokens {
    let secret = |key| stack::read(&session.project, &key).ok().flatten();
    (secret(SecretKey::IdpControl), secret(SecretKey::IamControl))
}

pub(super) fn target(
    session: &Session,
    rules: Rules,
    (base_url, (idp_control, iam_control)): (String, ControlTokens),
) -> Target {
    describe(Description {
        manifest: &session.manifest,
        name: &session.project.name,
        base_url,
        api: rules.api,
        access: rules.access,
        words: words::words(&session.project),
        decider: rules.decider,
        lock: rules.lock,
        base: rules.base,
        idp_control,
        iam_control,
        client_secrets: client_secrets(session),
    })
}

/// The secrets of confidential clients that are made already.
fn client_secrets(session: &Session) -> BTreeMap<String, String> {
    let confidential = session.manifest.identity.clients.iter().filter(|(_, client)| client.confidential);
    let read = |name: &String| stack::read(&session.project, &SecretKey::Client(name.clone())).ok().flatten();
    confidential.filter_map(|(name, _)| Some((name.clone(), read(name)?))).collect()
}

pub(super) fn plan(target: &Target, options: &Options) -> Result<TestPlan, Failure> {
    security_tests::plan(target, options).map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}
