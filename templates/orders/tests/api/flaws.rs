//! Each flaw opens its hole and no other; without flaws, none is open.

use std::collections::BTreeSet;

use orders_api::flaws::CATALOGUE;

use crate::attacks::succeeds;
use crate::stack::Stack;

async fn open_holes(flaw: &str) -> Vec<&'static str> {
    let stack = Stack::with_flaws(flaw).await;
    let mut open = Vec::new();
    for entry in CATALOGUE {
        if succeeds(entry.name, &stack).await {
            open.push(entry.name);
        }
    }
    open
}

#[tokio::test]
async fn the_sound_api_resists_every_attack() {
    assert_eq!(open_holes("").await, Vec::<&str>::new());
}

#[tokio::test]
async fn each_flaw_opens_its_hole_and_no_other() {
    for entry in CATALOGUE {
        assert_eq!(open_holes(entry.name).await, [entry.name]);
    }
}

#[test]
fn the_catalogue_names_operations_of_the_document() {
    let document = include_str!("../../openapi.yaml");
    let names: BTreeSet<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), CATALOGUE.len());
    for entry in CATALOGUE {
        let (method, path) = entry.operation.split_once(' ').unwrap();
        let after = document.split_once(&format!("\n  {path}:\n")).unwrap().1;
        let paths_entry: String =
            after.lines().take_while(|line| line.starts_with("    ")).collect::<Vec<_>>().join("\n");
        assert!(
            format!("\n{paths_entry}").contains(&format!("\n    {}:", method.to_lowercase())),
            "{}",
            entry.operation
        );
    }
}
