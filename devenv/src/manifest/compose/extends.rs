//! `extends`: a service laid over another one, of the same file or of a file elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Scope, merge, normalized, parsed, read, with_entry};
use crate::manifest::decode::{Context, Fields};
use crate::manifest::suggest::did_you_mean;
use crate::manifest::tree::{Node, Position, Value};

/// The file with each service that extends another one complete.
pub(super) fn apply(context: &mut Context<'_>, root: &Arc<Node>, scope: &Scope) -> Arc<Node> {
    let Some(services) = root.entry("services") else { return Arc::clone(root) };
    if services.value.entries().iter().all(|entry| entry.value.get("extends").is_none()) {
        return Arc::clone(root);
    }
    let mut extender = Extender { context, scope, loaded: BTreeMap::new(), trail: Vec::new() };
    let mut complete = Arc::clone(&services.value);
    for entry in services.value.entries().iter().filter(|entry| entry.value.get("extends").is_some()) {
        // After a problem the service keeps what it says itself, without the key, so that the rest is checked too.
        let service = extender.service((root, Path::new("")), &entry.key);
        let service = service.unwrap_or_else(|| with_entry(&entry.value, "extends", None));
        complete = with_entry(&complete, &entry.key, Some(entry.with(service)));
    }
    with_entry(root, "services", Some(services.with(complete)))
}

struct Extender<'e, 'a> {
    context: &'e mut Context<'a>,
    scope: &'e Scope,
    /// Other files by path; `None` after a problem.
    loaded: BTreeMap<PathBuf, Option<Arc<Node>>>,
    /// The services that are being completed: file (empty: this one) and name.
    trail: Vec<(PathBuf, String)>,
}

/// What `extends` says.
pub(super) struct Base {
    service: String,
    file: Option<PathBuf>,
    position: Position,
}

impl Extender<'_, '_> {
    /// A service of a file, complete.
    fn service(&mut self, (root, path): (&Arc<Node>, &Path), name: &str) -> Option<Arc<Node>> {
        let entry = root.get("services")?.entry(name)?;
        let Some(written) = entry.value.get("extends") else { return Some(Arc::clone(&entry.value)) };
        let base = base_of(self.context, written)?;
        let here = (path.to_path_buf(), name.to_owned());
        if self.trail.contains(&here) {
            self.context.error(base.position, format!("`{name}` extends itself"));
            return None;
        }
        self.trail.push(here);
        let below = self.base((root, path), &base);
        self.trail.pop();
        let own = with_entry(&entry.value, "extends", None);
        Some(merge::service(&mut self.context.report, name, &below?, &own))
    }

    fn base(&mut self, (root, path): (&Arc<Node>, &Path), base: &Base) -> Option<Arc<Node>> {
        let (root, path) = match &base.file {
            None => (Arc::clone(root), path.to_path_buf()),
            Some(file) => {
                let file = normalized(file);
                (self.file(&file, base.position)?, file)
            }
        };
        if root.get("services").and_then(|services| services.get(&base.service)).is_none() {
            let names = root.get("services").map(Node::entries).unwrap_or_default();
            let help = did_you_mean(&base.service, names.iter().map(|entry| entry.key.as_str()));
            let place = base.file.as_ref().map_or("this file".to_owned(), |file| file.display().to_string());
            let message = format!("there is no service `{}` in {place} to extend", base.service);
            self.context.error_with_help(base.position, message, help);
            return None;
        }
        self.service((&root, &path), &base.service)
    }

    fn file(&mut self, path: &Path, place: Position) -> Option<Arc<Node>> {
        if let Some(known) = self.loaded.get(path) {
            return known.clone();
        }
        let loaded = read(self.context, path, place).and_then(|id| {
            let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
            let scope = Scope { base, variables: self.scope.variables.clone(), chain: Vec::new() };
            parsed(self.context, id, &scope)
        });
        self.loaded.insert(path.to_path_buf(), loaded.clone());
        loaded
    }
}

pub(super) fn base_of(context: &mut Context<'_>, node: &Node) -> Option<Base> {
    if let Value::Scalar(_) = node.value {
        return context.word(node).map(|service| Base { service, file: None, position: node.position });
    }
    let mut fields = Fields::of(context, node, "`extends`")?;
    let service = fields.require(context, "service", node.position).and_then(|node| context.word(node));
    let file = fields.take("file").and_then(|node| context.path(node));
    let position = fields.position("service");
    fields.finish(context);
    Some(Base { service: service?, file, position })
}
