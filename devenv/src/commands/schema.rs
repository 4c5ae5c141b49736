//! `devenv schema`: the JSON Schema of a file.

use crate::cli::{Schema, SchemaOf};
use crate::exit::Exit;
use crate::manifest::schema;
use crate::ui;

pub(super) fn run(args: &Schema) -> Exit {
    let schema = match args.file {
        SchemaOf::Devenv => schema::devenv_yaml(),
        SchemaOf::Authz => schema::authz_yaml(),
    };
    ui::print(&format!("{schema:#}"));
    Exit::Success
}
