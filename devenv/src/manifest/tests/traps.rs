//! What real files do that trips readers up.

use super::*;
use crate::manifest::Volume;

#[test]
fn a_pair_of_numbers_is_no_sexagesimal_number() {
    assert_eq!(service("ports: [22:22]").ports[0].published, Some(22));
    assert_eq!(service("ports: [\"22:22\"]").ports[0].published, Some(22));
}

#[test]
fn a_mode_is_octal_with_and_without_quotes() {
    let mode = |mode: &str| service(&format!("secrets: [{{ source: key, mode: {mode} }}]")).secrets[0].mode;
    assert_eq!(mode("0440"), Some(0o440));
    assert_eq!(mode("\"0440\""), Some(0o440));
    assert_eq!(mode("0o440"), Some(0o440));
}

#[test]
fn a_volume_without_anything_is_a_volume() {
    assert_eq!(loaded("volumes:\n  data:\n  more: ~\n").volumes["data"], Volume::default());
}

#[test]
fn an_environment_entry_without_a_value_passes_the_hosts() {
    for body in ["{ A: , NO: }", "[A, NO]"] {
        let text = format!("services: {{ a: {{ image: x, environment: {body} }} }}");
        let manifest = load(&source(&text), &variables(&[("A", "1")])).unwrap().value;
        let environment = &manifest.services["a"].environment;
        assert_eq!(environment.iter().collect::<Vec<_>>(), [(&"A".to_owned(), &"1".to_owned())]);
    }
}

#[test]
fn an_environment_value_is_the_text_that_was_written() {
    let environment = service("environment: { A: 0440, B: 1.50, C: yes, D: '', E: 12:34, F: \"null\" }").environment;
    let values: Vec<&str> = environment.values().map(String::as_str).collect();
    assert_eq!(values, ["0440", "1.50", "yes", "", "12:34", "null"]);
}

#[test]
fn a_repeated_entry_in_a_list_loads_with_a_warning() {
    let text = "services:\n  a:\n    image: x\n    environment:\n      - A=1\n      - A=2\n";
    assert_eq!(said(text), "6:9+3 warning: `A` is there twice; the last one counts\n");
    let manifest = load(&source(text), &variables(&[])).unwrap().value;
    assert_eq!(manifest.services["a"].environment["A"], "2");
}

#[test]
fn a_repeated_key_in_a_mapping_is_an_error() {
    assert_eq!(
        said("services:\n  a: { image: x }\n  a: { image: y }\n  a: { image: z }\n"),
        "3:3+1 error: the key `a` is there twice (it is first in line 2)\n\
         4:3+1 error: the key `a` is there twice (it is first in line 2)\n"
    );
}

#[test]
fn the_version_is_ignored_with_a_warning() {
    assert_eq!(
        said("version: \"3.8\"\nservices: { a: { image: x } }\n"),
        "1:10+5 warning: `version` has no effect (Compose ignores it as well; remove the line)\n"
    );
}

#[test]
fn restart_no_may_stand_without_quotes() {
    assert_eq!(service("restart: no").restart, Some(crate::manifest::Restart::No));
    assert_eq!(service("restart: false").restart, Some(crate::manifest::Restart::No));
}

#[test]
fn a_name_or_attribute_of_ours_that_begins_like_an_extension_counts() {
    let manifest =
        loaded("identity: { personas: { x-ray: { attributes: { x-y: 1 } } } }\nx-other: 1\nservices: { x-a: 1 }\n");
    assert_eq!(manifest.identity.personas["x-ray"].attributes["x-y"], 1);
    assert!(manifest.services.is_empty());
}

#[test]
fn a_file_of_the_nix_tool_is_recognised_in_one_error() {
    let help = "(run that program here, or keep the stack of this one in another directory)";
    let said_of = |key: &str| {
        format!(
            "1:1+{} error: this file belongs to the Nix tool of the same name: `{key}` is a section of devenv.sh {help}\n",
            key.len()
        )
    };
    assert_eq!(said("inputs:\n  nixpkgs:\n    url: github:NixOS/nixpkgs\nimports: [./a]\n"), said_of("inputs"));
    assert_eq!(
        said("languages: { rust: { enable: true } }\nservices: { postgres: { enable: true } }\n"),
        said_of("languages")
    );
    assert_eq!(said("packages: [git]\n"), said_of("packages"));
    let slip = said("services: { a: { image: x } }\npackages: [git]\n");
    assert!(slip.contains("unknown key `packages`"), "{slip}");
}

#[test]
fn an_existing_compose_file_says_what_is_not_supported_yet_by_name() {
    assert_eq!(
        said(
            "models: {}\nservices:\n  a:\n    image: x\n    deploy: { replicas: 2, mode: global }\n    post_start: []\n\
             \x20   build: { ssh: [default] }\n    networks: { n: { gw_priority: 1 } }\nnetworks: { n: { enable_ipv4: true } }\n"
        ),
        "1:1+6 error: `models` is a Compose key that devenv does not support yet\n\
         5:25+1 error: `replicas: 2` is not supported: one runs (write the service once for each, with `extends:`)\n\
         5:34+6 warning: `deploy.mode` has no effect outside of a swarm\n\
         6:5+10 error: `post_start` is a Compose key that devenv does not support yet\n\
         7:14+3 error: `ssh` is a Compose key that devenv does not support yet\n\
         8:22+11 error: `gw_priority` is a Compose key that devenv does not support yet\n\
         9:18+11 error: `enable_ipv4` is a Compose key that devenv does not support yet\n"
    );
}
