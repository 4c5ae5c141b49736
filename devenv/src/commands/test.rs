//! `devenv test`: brings the stack up when it is not, runs the layers, shows matrix and findings, and takes down what it
//! started.

use std::path::{Path, PathBuf};

use security_tests::report::Colour;
use security_tests::verdict::Layer;
use security_tests::{Options, Run, Target, TestPlan, Verdict};

use crate::cli::{Format, Test};
use crate::commands::interrupt::Interrupts;
use crate::commands::rules::{Rules, load_rules};
use crate::commands::session::{Prepared, Session};
use crate::commands::{Failure, running, target, words};
use crate::describe::{Description, describe};
use crate::engine::reconcile::Goal;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::plan::SecretKey;
use crate::stack::{self, Depth, Lock};
use crate::ui::{self, Ui};

pub(super) async fn run(args: Test, interrupts: Interrupts) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = test(&args, ui.reporter(), interrupts).await;
    ui.finish().await;
    let (run, exit) = match result {
        Ok(Done::Tested(run)) => {
            let exit = exit_of(&run);
            (run, exit)
        }
        Ok(Done::Planned(text)) => {
            ui::print(&text);
            return Ok(Exit::Success);
        }
        Err(failure) => return Err(failure),
    };
    match args.format {
        Format::Json => ui::print(&security_tests::report::json(&run).to_string()),
        Format::Text => ui::print_apart(&terminal(&run)),
    }
    Ok(exit)
}

/// What a test command ends with.
enum Done {
    Tested(Box<Run>),
    Planned(String),
}

async fn test(args: &Test, reporter: &Reporter, mut interrupts: Interrupts) -> Result<Done, Failure> {
    let reports = reports(&args.reports)?;
    let options = options(args)?;
    if let Some(url) = &args.target {
        return attack(url, args, (&options, &reports), (reporter, &mut interrupts)).await;
    }
    let session = Session::open(&args.stack, reporter)?;
    let rules = load_rules(&session, reporter).await?;
    if args.plan || !needs_stack(&options) {
        // A plan needs no tokens, only to know that there will be some.
        let tokens = if args.plan { (Some(String::new()), Some(String::new())) } else { tokens(&session) };
        let target = target(&session, rules, (String::from("http://localhost"), tokens));
        let plan = plan(&target, &options)?;
        if args.plan {
            return Ok(Done::Planned(planned(&plan, args.format)));
        }
        let run = tokio::select! {
            run = run_layers(&plan, &target, reporter) => run,
            () = interrupts.next() => return Err(Failure::Interrupted),
        };
        return write(&reports, run);
    }
    let lock = Lock::take(&session.project, "test")?;
    let prepared = tokio::select! {
        prepared = session.prepare(Depth::Full, reporter) => prepared?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let was_up = running::is_up(&prepared.engine.observe(&session.project).await?);
    let result = on_stack((&session, &prepared), rules, &options, (reporter, &mut interrupts)).await;
    if !was_up && !args.keep {
        let down = clean_up(&session, &prepared, result.is_err(), (reporter, &mut interrupts)).await;
        // Why the tests could not run explains more than why the stack could not be removed.
        if result.is_ok() {
            down?;
        }
    }
    drop(lock);
    write(&reports, result?)
}

/// Tests an API that was not started here.
async fn attack(
    url: &str,
    args: &Test,
    (options, reports): (&Options, &[PathBuf]),
    (reporter, interrupts): (&Reporter, &mut Interrupts),
) -> Result<Done, Failure> {
    let rules = args.rules.clone().unwrap_or_else(|| args.stack.dir.join("authz.yaml"));
    let described = target::describe(url, &rules, reporter);
    let target = tokio::select! {
        target = described => target?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    let plan = target::plan(&target, options)?;
    if args.plan {
        return Ok(Done::Planned(planned(&plan, args.format)));
    }
    let layers = run_layers(&plan, &target, reporter);
    write(reports, target::run((&plan, &target), layers, (reporter, interrupts)).await?)
}

/// Takes the stack down; Ctrl-C shortens that.
async fn clean_up(
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
async fn on_stack(
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
    let target = target(session, rules, (base_url, tokens(session)));
    let plan = plan(&target, options)?;
    tokio::select! {
        run = run_layers(&plan, &target, reporter) => Ok(run),
        () = interrupts.next() => {
            reporter.report(Event::Note { message: "putting people back as they were (Ctrl-C again to leave it)".into() });
            tokio::select! {
                restored = security_tests::restore(&target) => if let Err(who) = restored {
                    reporter.report(Event::Warning { message: format!("left changed: {who}; `devenv persona --reset`") });
                },
                () = interrupts.next() => {}
            }
            Err(Failure::Interrupted)
        }
    }
}

async fn run_layers(plan: &TestPlan, target: &Target, reporter: &Reporter) -> Run {
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
type ControlTokens = (Option<String>, Option<String>);

fn tokens(session: &Session) -> ControlTokens {
    let secret = |key| stack::read(&session.project, &key).ok().flatten();
    (secret(SecretKey::IdpControl), secret(SecretKey::IamControl))
}

fn target(session: &Session, rules: Rules, (base_url, (idp_control, iam_control)): (String, ControlTokens)) -> Target {
    describe(Description {
        manifest: &session.manifest,
        name: &session.project.name,
        base_url,
        api: rules.api,
        access: rules.access,
        words: words::words(&session.project),
        decider: rules.decider,
        idp_control,
        iam_control,
    })
}

fn plan(target: &Target, options: &Options) -> Result<TestPlan, Failure> {
    security_tests::plan(target, options).map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}

/// Every step in the order in which it runs.
fn planned(plan: &TestPlan, format: Format) -> String {
    if format == Format::Text {
        return plan.to_string();
    }
    let mut groups: Vec<_> = plan.groups.iter().collect();
    groups.sort_by_key(|group| group.phase);
    let steps = groups.into_iter().flat_map(|group| {
        let steps = group.steps.iter().filter_map(|id| plan.steps.get(*id));
        steps.map(|step| {
            let word = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
            serde_json::json!({ "phase": word(&group.phase), "role": word(&step.role), "action": step.action.to_string() })
        })
    });
    steps.collect::<serde_json::Value>().to_string()
}

/// `static` and `policy` read files only.
fn needs_stack(options: &Options) -> bool {
    options.layers.is_empty() || options.layers.iter().any(|layer| !matches!(layer, Layer::Static | Layer::Policy))
}

fn options(args: &Test) -> Result<Options, Failure> {
    let layer = |name: &String| {
        let names: Vec<&str> = Layer::ALL.iter().map(|layer| layer.as_str()).collect();
        let help = format!("there are {}", names.join(", "));
        Layer::parse(name).ok_or_else(|| Failure::with_help(Exit::Usage, format!("no layer `{name}`"), help))
    };
    let now = jiff::Timestamp::now();
    Ok(Options {
        layers: args.layers.iter().map(layer).collect::<Result<_, _>>()?,
        operations: args.operations.clone(),
        personas: args.personas.clone(),
        seed: args.seed.unwrap_or_else(|| now.as_microsecond().unsigned_abs()),
        started_at: now.to_string(),
        ..Options::default()
    })
}

/// `FORMAT=FILE` pairs; checked before anything is started.
fn reports(written: &[String]) -> Result<Vec<PathBuf>, Failure> {
    let parse = |text: &String| match text.split_once('=') {
        Some(("json", file)) if !file.is_empty() => {
            let path = PathBuf::from(file);
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if parent.is_dir() {
                return Ok(path);
            }
            Err(Failure::new(Exit::Usage, format!("`--report {text}`: {} is not a directory", parent.display())))
        }
        Some(_) | None => Err(Failure::with_help(
            Exit::Usage,
            format!("`--report {text}` is not of the form FORMAT=FILE"),
            "formats: json",
        )),
    };
    written.iter().map(parse).collect()
}

fn write(reports: &[PathBuf], run: Run) -> Result<Done, Failure> {
    for path in reports {
        let text = serde_json::to_string_pretty(&security_tests::report::json(&run)).unwrap_or_default();
        std::fs::write(path, text + "\n")
            .map_err(|error| Failure::new(Exit::World, format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(Done::Tested(Box::new(run)))
}

fn exit_of(run: &Run) -> Exit {
    match run.verdict() {
        Verdict::Pass => Exit::Success,
        Verdict::Fail => Exit::Findings,
        Verdict::Inconclusive => Exit::Inconclusive,
    }
}

fn terminal(run: &Run) -> String {
    let width = console_width();
    let colour = if ui::colour_stdout() { Colour::Ansi } else { Colour::None };
    let mut text = security_tests::report::terminal(run, width, colour);
    if let Some(persona) = run.findings.iter().flat_map(|finding| &finding.personas).find(|name| *name != "anonymous") {
        let variable = persona.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        text.push_str(&format!(
            "to repeat a request: `devenv up -d`, then `TOKEN_{variable}=$(devenv token {persona})`"
        ));
    }
    text.trim_end().to_owned()
}

/// Columns of the terminal; 100 when there is none.
fn console_width() -> usize {
    rustix::termios::tcgetwinsize(rustix::stdio::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 40)
        .unwrap_or(100)
}
