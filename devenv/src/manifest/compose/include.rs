//! `include`: whole models of other files, each read with its own directory and variables, beside the own services.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::env_file::env_file;
use super::{Scope, file, merge, normalized, read, with_entry};
use crate::manifest::decode::{Context, Fields};
use crate::manifest::tree::{Entry, Map, Node, Position, Value};

/// What an included model brings; everything else of it is about the stack as a whole and has one place: the top file.
const SECTIONS: [&str; 5] = ["services", "networks", "volumes", "secrets", "configs"];
const ONLY_ON_TOP: [&str; 4] = ["identity", "idp", "iam", "tests"];

/// One entry of `include`.
pub(super) struct Included {
    paths: Vec<(PathBuf, Position)>,
    directory: Option<PathBuf>,
    env_files: Vec<(PathBuf, Position)>,
    position: Position,
}

/// The model with what its `include` brings.
pub(super) fn apply(context: &mut Context<'_>, root: Arc<Node>, scope: &Scope) -> Arc<Node> {
    let Some(list) = root.get("include") else { return root };
    let mut includes = Vec::new();
    for item in context.items(list) {
        includes.extend(entry(context, item));
    }
    let mut root = with_entry(&root, "include", None);
    for included in includes {
        if let Some(model) = model(context, &included, scope) {
            root = imported(context, &root, &model, included.position);
        }
    }
    root
}

pub(super) fn entry(context: &mut Context<'_>, node: &Node) -> Option<Included> {
    let path = |context: &mut Context<'_>, node: &Node| Some((normalized(&context.path(node)?), node.position));
    if let Value::Scalar(_) = node.value {
        let paths = vec![path(context, node)?];
        return Some(Included { paths, directory: None, env_files: Vec::new(), position: node.position });
    }
    let mut fields = Fields::of(context, node, "an entry of `include`")?;
    let paths = fields.require(context, "path", node.position).map(|node| context.one_or_list(node, path));
    let directory = fields.take("project_directory").and_then(|node| context.path(node));
    let env_files = fields.take("env_file").map(|node| context.one_or_list(node, path)).unwrap_or_default();
    let position = fields.position("path");
    fields.finish(context);
    Some(Included { paths: paths?, directory: directory.map(|path| normalized(&path)), env_files, position })
}

fn model(context: &mut Context<'_>, included: &Included, scope: &Scope) -> Option<Arc<Node>> {
    let ((first, _), _) = included.paths.split_first()?;
    if scope.chain.contains(first) {
        context.error(included.position, format!("{} includes itself", first.display()));
        return None;
    }
    let base = included.directory.clone();
    let base = base.unwrap_or_else(|| first.parent().unwrap_or(Path::new("")).to_path_buf());
    let variables = variables(context, included, &base, scope)?;
    let mut chain = scope.chain.clone();
    chain.push(first.clone());
    let inner = Scope { base, variables, chain };
    let mut root: Option<Arc<Node>> = None;
    for (path, place) in &included.paths {
        let id = read(context, path, *place)?;
        let over = file(context, id, &inner)?;
        root = Some(match root {
            None => over,
            Some(below) => merge::lay_over(&mut context.report, &below, &over),
        });
    }
    root.map(|root| apply(context, root, &inner))
}

/// The variables of the including model win over those of the included one's own files.
fn variables(
    context: &mut Context<'_>,
    included: &Included,
    base: &Path,
    scope: &Scope,
) -> Option<BTreeMap<String, String>> {
    let own = base.join(".env");
    let files: Vec<(PathBuf, Option<Position>)> = if included.env_files.is_empty() {
        vec![(own, None)]
    } else {
        included.env_files.iter().map(|(path, place)| (path.clone(), Some(*place))).collect()
    };
    let mut found = BTreeMap::new();
    for (path, place) in files {
        let known: BTreeMap<String, String> = found.clone().into_iter().chain(scope.variables.clone()).collect();
        let at = place.unwrap_or(included.position);
        found.extend(env_file(context, &path, at, (place.is_some(), false, &known))?);
    }
    found.extend(scope.variables.clone());
    Some(found)
}

fn imported(context: &mut Context<'_>, root: &Arc<Node>, model: &Arc<Node>, place: Position) -> Arc<Node> {
    let mut root = Arc::clone(root);
    for section in ONLY_ON_TOP {
        if let Some(entry) = model.entry(section) {
            let message = format!("`{section}` belongs into the file that includes this one");
            context.error(entry.position, message);
        }
    }
    for section in SECTIONS {
        let Some(theirs) = model.entry(section) else { continue };
        let ours = root.entry(section).cloned();
        let mut entries: Vec<Entry> = ours.as_ref().map(|ours| ours.value.entries().to_vec()).unwrap_or_default();
        for entry in theirs.value.entries() {
            let same = entries.iter().find(|own| own.key == entry.key);
            match same {
                None => entries.push(entry.clone()),
                Some(own) if own.value.to_json() == entry.value.to_json() => {}
                Some(own) => {
                    let help = format!(
                        "give one of them another name, or lay a file over it: `include: [{{ path: [{}, override.yaml] }}]`",
                        "FILE"
                    );
                    let (message, at) =
                        (format!("`{}` of `{section}` is in an included file too", own.key), own.position);
                    context.error_with_help(at, message, help);
                }
            }
        }
        let value = Arc::new(Node::new(place, Value::Map(Map::new(entries))));
        let entry = Entry { key: section.to_owned(), position: theirs.position, value };
        root = with_entry(&root, section, Some(entry));
    }
    root
}
