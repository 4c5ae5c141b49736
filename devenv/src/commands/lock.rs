//! `devenv lock` writes which content each image has; `up --locked` starts nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::{Format, LockImages};
use crate::commands::Failure;
use crate::commands::session::{Prepared, Session};
use crate::engine::docker::Docker;
use crate::exit::Exit;
use crate::plan::{Plan, Source};
use crate::stack::{Depth, ImageLock, LockedImage};
use crate::ui::{self, Table, Ui};

pub(super) async fn run(args: LockImages) -> Result<Exit, Failure> {
    let ui = Ui::start(args.format);
    let result = lock(&args, &ui).await;
    ui.finish().await;
    let lock = result?;
    match args.format {
        Format::Json => ui::print(&serde_json::json!(lock).to_string()),
        Format::Text => {
            let mut table = Table::new(&["image", "content"]);
            for (name, image) in &lock.images {
                table.row([name.clone(), image.digest.clone().unwrap_or_else(|| format!("{} (local)", image.id))]);
            }
            ui::print(&table.render());
        }
    }
    Ok(Exit::Success)
}

async fn lock(args: &LockImages, ui: &Ui) -> Result<ImageLock, Failure> {
    let session = Session::open(&args.stack, ui.reporter())?;
    let (docker, plan) = session.docker_plan(Depth::Existing, ui.reporter()).await?;
    docker.can_provide(&plan, ui.reporter()).await?;
    let mut images = BTreeMap::new();
    for reference in references(&plan) {
        images.extend(docker.image_content(&reference).await?.map(|content| (reference, content)));
    }
    let lock = ImageLock::new(images);
    lock.write(&session.project.directory)?;
    Ok(lock)
}

fn references(plan: &Plan) -> BTreeSet<String> {
    let images = plan.services.values().filter_map(|service| match &service.source {
        Source::Image { reference, .. } => Some(reference.clone()),
        Source::Built(_) | Source::Packaged { .. } | Source::Executable { .. } | Source::Process => None,
    });
    images.collect()
}

/// Refuses a plan whose images are not those of the lock.
pub(super) async fn verify(session: &Session, prepared: &Prepared, ui: &crate::event::Reporter) -> Result<(), Failure> {
    let wanted = references(&prepared.plan);
    let again = "look at what changed, then `devenv lock` writes it down";
    let Some(lock) = ImageLock::read(&session.project.directory)? else {
        return Err(Failure::with_help(Exit::World, "there is no devenv.lock", "`devenv lock` writes it"));
    };
    if wanted.is_empty() {
        return Ok(());
    }
    let docker = Docker::connect(&session.environment).await?;
    docker.can_provide(&prepared.plan, ui).await?;
    for reference in wanted {
        let Some(locked) = lock.images.get(&reference) else {
            return Err(Failure::with_help(Exit::World, format!("image `{reference}` is not in devenv.lock"), again));
        };
        let here = docker.image_content(&reference).await?.unwrap_or_default();
        if !locked.admits(&here) {
            let content = |image: &LockedImage| image.digest.clone().unwrap_or_else(|| image.id.clone());
            let text = format!(
                "image `{reference}` is not the one of devenv.lock: {} is here, {} was locked",
                content(&here),
                content(locked)
            );
            return Err(Failure::with_help(Exit::World, text, again));
        }
    }
    Ok(())
}
