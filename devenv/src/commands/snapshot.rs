//! `devenv snapshot` and `devenv reset`: the data of a stack and the memory of its provider and directory, kept between
//! tests and put back.
//!
//! Services are frozen while their data is copied, so that what is kept is one moment of all of them; they are ended while
//! it is put back.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cli::{Format, Reset, SnapshotAction, TakeSnapshot};
use crate::commands::control::Control;
use crate::commands::session::{Prepared, Session};
use crate::commands::{Failure, running};
use crate::engine::docker::Docker;
use crate::engine::{Action, Observed, ServiceState};
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::manifest::EngineName;
use crate::plan::{IAM, IDP, PlannedMountSource, PlannedService, Role, host_data_of};
use crate::stack::{Contents, Depth, Lock, MOST_BYTES, Snapshot, SnapshotError, Snapshots};
use crate::ui::{self, Table, Ui};

const IDP_FILE: &str = "idp.json";
const IAM_FILE: &str = "iam.json";

pub(super) async fn run(args: TakeSnapshot) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = act(&args, ui.reporter()).await;
    ui.finish().await;
    if let Some(text) = result? {
        ui::print(&text);
    }
    Ok(Exit::Success)
}

async fn act(args: &TakeSnapshot, reporter: &Reporter) -> Result<Option<String>, Failure> {
    let of = |stack| Session::open(stack, reporter).map(|session| (Snapshots::of(&session.project), session));
    match &args.action {
        Some(SnapshotAction::Ls { stack, format }) => Ok(Some(listed(&of(stack)?.0.list(), *format))),
        Some(SnapshotAction::Rm { stack, name }) => {
            of(stack)?.0.remove(name)?;
            Ok(None)
        }
        None => {
            let (all, session) = of(&args.stack)?;
            let contents = take(&session, &all, &args.name, reporter).await?;
            Ok(Some(described(&args.name, &contents, args.format)))
        }
    }
}

/// A stack that runs, with what this command needs of it.
struct Running {
    prepared: Prepared,
    observed: Observed,
    /// The engine of its volumes, when it is on Docker.
    docker: Option<Docker>,
}

async fn running(session: &Session, reporter: &Reporter) -> Result<Running, Failure> {
    let existing = session.existing(reporter).await?;
    let observed = existing.engine.observe(&session.project).await?;
    if !running::is_up(&observed) {
        let asleep = observed.services.values().any(|service| service.state == ServiceState::Paused);
        let help = if asleep { "let it go on with `devenv wake`" } else { "start it with `devenv up -d`" };
        return Err(Failure::with_help(Exit::World, "the stack does not run", help));
    }
    let docker = match existing.engine.name() {
        EngineName::Docker => Some(Docker::connect(&session.environment).await?),
        EngineName::Embedded => None,
    };
    // What is made anew needs all that it is made from.
    let prepared = session.prepare(Depth::Existing, reporter).await?;
    Ok(Running { prepared, observed, docker })
}

async fn take(session: &Session, all: &Snapshots, name: &str, reporter: &Reporter) -> Result<Contents, Failure> {
    let _lock = Lock::take(&session.project, "snapshot")?;
    let stack = running(session, reporter).await?;
    let mut snapshot = all.begin(name, stack.prepared.engine.name().to_string())?;
    tell_what_is_left_out(&stack.prepared, reporter);
    let frozen: Vec<Action> = of_users(&stack, ServiceState::Running).map(Action::Pause).collect();
    for action in &frozen {
        stack.prepared.engine.perform(&stack.prepared.plan, action, reporter).await?;
    }
    let result = copy(session, &stack, &mut snapshot).await;
    for action in frozen.iter().map(|action| Action::Resume(action.subject().to_owned())) {
        stack.prepared.engine.perform(&stack.prepared.plan, &action, reporter).await?;
    }
    result?;
    all.finish(name, &snapshot)?;
    Ok(snapshot.contents)
}

/// The team's services in a state.
fn of_users(stack: &Running, state: ServiceState) -> impl Iterator<Item = String> {
    let of_user = |name: &String| stack.prepared.plan.services.get(name).is_some_and(|one| one.role == Role::User);
    let found = stack.observed.services.iter().filter(move |(_, service)| service.state == state);
    found.map(|(name, _)| name.clone()).filter(of_user)
}

async fn copy(session: &Session, stack: &Running, snapshot: &mut Snapshot) -> Result<(), Failure> {
    let control = Control::new(session)?;
    if stack.observed.services.contains_key(IDP) {
        snapshot.write(IDP_FILE, control.idp_snapshot().await?.to_string().as_bytes())?;
        snapshot.contents.idp = true;
    }
    if stack.observed.services.contains_key(IAM) {
        snapshot.write(IAM_FILE, Value::from(control.users().await?).to_string().as_bytes())?;
        snapshot.contents.iam = true;
    }
    for service in stack.prepared.plan.services.values().filter(|service| service.on_host()) {
        let directory = host_data_of(&session.project, &service.name);
        if service.role == Role::User && directory.is_dir() {
            snapshot.contents.bytes += snapshot.pack(&service.name, &directory)?;
            snapshot.contents.data.insert(service.name.clone());
        }
    }
    let Some(docker) = &stack.docker else { return Ok(()) };
    for key in own_volumes(&stack.prepared).intersection(&stack.observed.volumes) {
        let saved = docker.save_volume(&stack.prepared.plan, key, &snapshot.volume(key), MOST_BYTES).await?;
        let Some(bytes) = saved else { return Err(SnapshotError::TooLarge(format!("the volume `{key}`")).into()) };
        snapshot.contents.bytes += bytes;
        snapshot.contents.volumes.insert(key.clone());
    }
    Ok(())
}

/// Volumes of the stack itself that a container mounts.
fn own_volumes(prepared: &Prepared) -> BTreeSet<String> {
    let plan = &prepared.plan;
    let own = plan.volumes.iter().filter(|(_, volume)| !volume.external).map(|(key, _)| key);
    own.filter(|key| plan.services.values().any(|service| mounts(service, key))).cloned().collect()
}

fn mounts(service: &PlannedService, key: &str) -> bool {
    service.mounts.iter().any(|mount| matches!(&mount.source, PlannedMountSource::Volume(name) if name == key))
}

/// Data that nothing can copy while the service lives.
fn tell_what_is_left_out(prepared: &Prepared, reporter: &Reporter) {
    for service in prepared.plan.services.values().filter(|service| service.role == Role::User) {
        let anonymous = service.mounts.iter().filter(|mount| mount.source == PlannedMountSource::Anonymous);
        let in_memory = service.tmpfs.keys().filter(|path| !matches!(path.as_str(), "/tmp" | "/run" | "/var/run"));
        let left: Vec<String> = anonymous
            .map(|mount| mount.target.clone())
            .chain(in_memory.cloned())
            .map(|path| format!("`{path}`"))
            .collect();
        if !left.is_empty() {
            let message = format!(
                "not in the snapshot: {} of `{}`, which is in memory or in a volume without a name",
                left.join(", "),
                service.name
            );
            reporter.report(Event::Note { message });
        }
    }
}

pub(super) async fn reset(args: Reset) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = put_back(&args, ui.reporter()).await;
    ui.finish().await;
    result.map(|()| Exit::Success)
}

async fn put_back(args: &Reset, reporter: &Reporter) -> Result<(), Failure> {
    let session = Session::open(&args.stack, reporter)?;
    let _lock = Lock::take(&session.project, "reset")?;
    let snapshot = Snapshots::of(&session.project).open(&args.name)?;
    let stack = running(&session, reporter).await?;
    let engine = stack.prepared.engine.name().to_string();
    if snapshot.contents.engine != engine {
        let text = format!("`{}` was taken on the {} engine", args.name, snapshot.contents.engine);
        let help =
            format!("the stack is up on the {engine} engine: take another one, or `devenv down` and `devenv up` there");
        return Err(Failure::with_help(Exit::Usage, text, help));
    }
    data(&session, &stack, &snapshot, reporter).await?;
    running::bring_up(&session, &stack.prepared, BTreeSet::new(), reporter).await?;
    let control = Control::new(&session)?;
    if snapshot.contents.idp {
        control.restore_idp(read(&snapshot, IDP_FILE)?).await?;
    }
    if snapshot.contents.iam {
        let users = read(&snapshot, IAM_FILE)?;
        control.restore_users(users.as_array().map_or(&[], Vec::as_slice)).await?;
    }
    reporter.report(Event::Note { message: format!("everything is as it was in `{}`", args.name) });
    Ok(())
}

fn read(snapshot: &Snapshot, file: &str) -> Result<Value, Failure> {
    let bytes = snapshot.read(file)?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::new(Exit::World, format!("cannot read {file}: {error}")))
}

/// Ends what has data, and puts the data in place.
async fn data(session: &Session, stack: &Running, snapshot: &Snapshot, reporter: &Reporter) -> Result<(), Failure> {
    let Contents { volumes, data, .. } = &snapshot.contents;
    let plan = &stack.prepared.plan;
    let engine = &stack.prepared.engine;
    for service in plan.services.values().filter(|service| stack.observed.services.contains_key(&service.name)) {
        let name = service.name.clone();
        if volumes.iter().any(|key| mounts(service, key)) {
            // A volume is free only when nothing mounts it.
            engine.perform(plan, &Action::Remove(name), reporter).await?;
        } else if data.contains(&name) {
            engine.perform(plan, &Action::Stop(name), reporter).await?;
        }
    }
    for service in data.iter().filter(|name| plan.services.contains_key(*name)) {
        snapshot.unpack(service, &host_data_of(&session.project, service))?;
    }
    let Some(docker) = &stack.docker else { return Ok(()) };
    for key in volumes.intersection(&own_volumes(&stack.prepared)) {
        engine.perform(plan, &Action::RemoveVolume(key.clone()), reporter).await?;
        engine.perform(plan, &Action::CreateVolume(key.clone()), reporter).await?;
        docker.load_volume(plan, key, &snapshot.volume(key)).await?;
    }
    Ok(())
}

fn described(name: &str, contents: &Contents, format: Format) -> String {
    if format == Format::Json {
        return serde_json::json!({ "name": name, "contents": contents }).to_string();
    }
    format!("`{name}`: {}; `devenv reset {name}` puts it back", parts(contents))
}

fn parts(contents: &Contents) -> String {
    let names = |what: &str, names: &BTreeSet<String>| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    let servers = [contents.idp.then(|| "provider".to_owned()), contents.iam.then(|| "directory".to_owned())];
    let data = [names("volumes", &contents.volumes), names("data of", &contents.data)];
    let all: Vec<String> = data.into_iter().chain(servers).flatten().collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join("; ") }
}

fn listed(all: &[(String, Contents)], format: Format) -> String {
    if format == Format::Json {
        let row = |(name, contents): &(String, Contents)| serde_json::json!({ "name": name, "contents": contents });
        return all.iter().map(row).collect::<Value>().to_string();
    }
    if all.is_empty() {
        return "there are no snapshots".to_owned();
    }
    let mut table = Table::new(&["name", "taken", "engine", "size", "what"]);
    for (name, contents) in all {
        let taken = jiff::Timestamp::from_second(contents.taken_at).map(|time| time.to_string()).unwrap_or_default();
        let size = format!("{} KiB", contents.bytes.div_ceil(1024));
        table.row([name.clone(), taken, contents.engine.clone(), size, parts(contents)]);
    }
    table.render()
}
