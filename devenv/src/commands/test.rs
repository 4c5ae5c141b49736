//! `devenv test`: brings the stack up when it is not, runs the layers, shows matrix and findings, and takes down what it
//! started.

use std::path::{Path, PathBuf};

use security_tests::report::Colour;
use security_tests::verdict::Layer;
use security_tests::{Options, Run, Target, TestPlan, Verdict};

use crate::cli::{Format, Test};
use crate::commands::rules::{Rules, load_rules};
use crate::commands::session::{Prepared, Session};
use crate::commands::{Failure, running};
use crate::describe::{Description, describe};
use crate::engine::reconcile::Goal;
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::plan::SecretKey;
use crate::stack::{self, Depth, Lock};
use crate::ui::{self, Ui};

pub(super) async fn run(args: Test) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = test(&args, &ui).await;
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
        Format::Text => ui::print(&terminal(&run)),
    }
    Ok(exit)
}

/// What a test command ends with.
enum Done {
    Tested(Box<Run>),
    Planned(String),
}

async fn test(args: &Test, ui: &Ui) -> Result<Done, Failure> {
    let reporter = ui.reporter().clone();
    let reports = reports(&args.reports)?;
    let session = Session::open(&args.stack, &reporter)?;
    let rules = load_rules(&session, &reporter)?;
    let options = options(args)?;
    if args.plan || !needs_stack(&options) {
        let target = target(&session, rules, String::from("http://localhost"));
        let plan = plan(&target, &options)?;
        if args.plan {
            return Ok(Done::Planned(plan.to_string()));
        }
        let run = run_layers(&plan, &target, &reporter).await;
        return write(&reports, run);
    }
    let lock = Lock::take(&session.project, "test")?;
    let prepared = tokio::select! {
        prepared = session.prepare(Depth::Full, &reporter) => prepared?,
        _ = tokio::signal::ctrl_c() => return Err(Failure::Interrupted),
    };
    let was_up = !prepared.engine.observe(&session.project).await?.services.is_empty();
    let result = on_stack((&session, &prepared), rules, &options, &reporter).await;
    if !was_up && !args.keep {
        running::take_down(&session, &prepared, &Goal::Down { volumes: false }, &reporter).await?;
    }
    drop(lock);
    write(&reports, result?)
}

/// Brings the stack up and runs the layers on it. Ctrl-C ends both; changed people are put back.
async fn on_stack(
    (session, prepared): (&Session, &Prepared),
    rules: Rules,
    options: &Options,
    reporter: &Reporter,
) -> Result<Run, Failure> {
    let up = running::bring_up(session, prepared, std::collections::BTreeSet::new(), reporter);
    tokio::select! {
        up = up => drop(up?),
        _ = tokio::signal::ctrl_c() => return Err(Failure::Interrupted),
    }
    let service = running::service_under_test(prepared, None)?;
    let base_url = running::url_of(service)
        .ok_or_else(|| Failure::new(Exit::Usage, format!("service `{}` has no port on this machine", service.name)))?;
    let target = target(session, rules, base_url);
    let plan = plan(&target, options)?;
    tokio::select! {
        run = run_layers(&plan, &target, reporter) => Ok(run),
        _ = tokio::signal::ctrl_c() => {
            drop(security_tests::restore(&target).await);
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

fn target(session: &Session, rules: Rules, base_url: String) -> Target {
    let secret = |key| stack::read(&session.project, &key).ok().flatten();
    describe(Description {
        manifest: &session.manifest,
        name: &session.project.name,
        base_url,
        api: rules.api,
        access: rules.access,
        decider: rules.decider,
        idp_control: secret(SecretKey::IdpControl),
        iam_control: secret(SecretKey::IamControl),
    })
}

fn plan(target: &Target, options: &Options) -> Result<TestPlan, Failure> {
    security_tests::plan(target, options).map_err(|error| Failure::new(Exit::Usage, error.to_string()))
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
    security_tests::report::terminal(run, width, colour)
}

/// Columns of the terminal; 100 when there is none.
fn console_width() -> usize {
    rustix::termios::tcgetwinsize(rustix::stdio::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 40)
        .unwrap_or(100)
}
