//! `$NAME` and `${DEVENV_…}` within a file.

use super::*;
use crate::manifest::{Command, ConfigSource};

#[test]
fn variables_come_before_types() {
    let text = "idp: { port: \"${PORT:-9500}\" }\nservices: { a: { image: x, init: $INIT, ports: [\"${PORT:-1}:${PORT-2}\"] } }\n";
    let manifest = load(&source(text), &variables(&[("INIT", "true"), ("PORT", "")])).unwrap_err();
    assert!(listed(&manifest).contains("is not a port"), "{manifest}");
    let manifest = load(&source(text), &variables(&[("INIT", "true")])).unwrap().value;
    assert_eq!(manifest.idp.unwrap().port, 9500);
    assert_eq!(manifest.services["a"].init, Some(true));
    assert_eq!((manifest.services["a"].ports[0].published, manifest.services["a"].ports[0].target), (Some(1), 2));
}

#[test]
fn a_value_of_the_environment_is_never_null() {
    let text = "services: { a: { image: x, environment: { A: $EMPTY, B: $NULL } } }";
    let manifest = load(&source(text), &variables(&[("EMPTY", ""), ("NULL", "null")])).unwrap().value;
    let values: Vec<&str> = manifest.services["a"].environment.values().map(String::as_str).collect();
    assert_eq!(values, ["", "null"]);
}

#[test]
fn a_variable_that_is_not_set_is_a_warning_at_its_place() {
    assert_eq!(
        said("services:\n  a:\n    image: \"x:$TAG\"\n    command: echo ${NO}\n"),
        "3:15+4 warning: the variable `TAG` is not set; it is taken as empty (set it, or write a default: `${TAG:-default}`)\n\
         4:19+5 warning: the variable `NO` is not set; it is taken as empty (set it, or write a default: `${NO:-default}`)\n"
    );
}

#[test]
fn a_required_variable_is_an_error() {
    assert_eq!(
        said("services: { a: { image: \"${TAG:?choose a tag}\" } }\n"),
        "1:25+22 error: expected text, found an empty one\n\
         1:26+20 error: the variable `TAG` is required: choose a tag\n"
    );
}

#[test]
fn reserved_variables_stay_where_they_are_allowed() {
    let text = "\
name: x
idp:
iam:
secrets: { my-key: { generate: true } }
configs: { c: { content: \"${DEVENV_SCIM_URL}\" } }
services:
  a-b:
    image: x
    expose: [80]
    secrets: [my-key]
    environment: { A: $DEVENV_ISSUER, B: \"${DEVENV_URL_A_B}\", C: \"${DEVENV_SECRET_MY_KEY}\" }
    command: echo ${DEVENV_PROJECT}
    entrypoint: [\"${DEVENV_DATA}/x\"]
";
    let manifest = loaded(text);
    let service = &manifest.services["a-b"];
    assert_eq!(service.environment["A"], "${DEVENV_ISSUER}");
    assert_eq!(service.command, Some(Command::Line("echo ${DEVENV_PROJECT}".to_owned())));
    assert_eq!(service.entrypoint, Some(Command::Words(vec!["${DEVENV_DATA}/x".to_owned()])));
    assert_eq!(manifest.configs["c"], ConfigSource::Content("${DEVENV_SCIM_URL}".to_owned()));
}

#[test]
fn reserved_variables_of_the_caller_are_ignored() {
    let text = "services: { a: { image: x, environment: [\"P=$DEVENV_PROJECT\"] } }";
    let manifest = load(&source(text), &variables(&[("DEVENV_PROJECT", "evil")])).unwrap().value;
    assert_eq!(manifest.services["a"].environment["P"], "${DEVENV_PROJECT}");
}

#[test]
fn a_reserved_variable_can_be_passed_by_its_name_alone() {
    let text = "idp:\nservices: { a: { image: x, environment: [DEVENV_ISSUER] }, b: { image: x, environment: { DEVENV_ISSUER: } } }";
    let manifest = load(&source(text), &variables(&[("DEVENV_ISSUER", "evil")])).unwrap().value;
    for name in ["a", "b"] {
        assert_eq!(manifest.services[name].environment["DEVENV_ISSUER"], "${DEVENV_ISSUER}");
    }
    assert_eq!(
        said("services: { a: { image: x, environment: [DEVENV_ISSUER] } }\n"),
        "1:42+13 error: `${DEVENV_ISSUER}` needs the section `idp:`\n"
    );
}

#[test]
fn a_variable_needs_what_it_stands_for() {
    let text = "\
secrets: { key: { generate: true } }
services:
  a: { run: x, environment: { A: \"${DEVENV_SECRET_KEY}\", B: \"${DEVENV_URL_B}\" } }
  b: { run: x }
";
    assert_eq!(
        said(text),
        "\
3:34+22 error: the service `a` does not have the secret `key` (add it to the `secrets` of `a`)
3:61+17 error: `${DEVENV_URL_B}` has no value: `b` has no port (add `ports` or `expose` to `b`)
"
    );
}

#[test]
fn a_quote_that_is_not_closed_is_found() {
    assert_eq!(
        said("services: { a: { run: \"echo 'x\" } }\n"),
        "1:23+9 error: a quote in this command is not closed\n"
    );
}

#[test]
fn reserved_variables_are_checked() {
    let text = "\
secrets: { key: { generate: true } }
services:
  a:
    image: \"x:${DEVENV_PROJECT}\"
    environment:
      A: ${DEVENV_ISSUER}
      B: ${DEVENV_SECRET_KEYS}
      C: ${DEVENV_URL_B}
      D: ${DEVENV_NONSENSE}
      E: $${DEVENV_ISSUER}
";
    assert_eq!(
        said(text),
        "\
4:12+21 error: `${DEVENV_PROJECT}` is not known here (such variables belong in `environment`, `command`, `entrypoint`, `run` and the `content` of configs)
6:10+16 error: `${DEVENV_ISSUER}` needs the section `idp:`
7:10+21 error: the variable `${DEVENV_SECRET_KEYS}` does not exist (did you mean `DEVENV_SECRET_KEY`?)
8:10+15 error: the variable `${DEVENV_URL_B}` does not exist (did you mean `DEVENV_URL_A`?)
9:10+18 error: the variable `${DEVENV_NONSENSE}` does not exist
10:10+17 error: `${DEVENV_ISSUER}` needs the section `idp:`
10:10+17 error: text that reads `${DEVENV_…}` after interpolation would be taken for a variable
"
    );
}
