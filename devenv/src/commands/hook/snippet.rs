//! The lines with which hook managers call `devenv`.

use crate::cli::Manager;

pub(super) fn of(manager: Manager) -> &'static str {
    match manager {
        Manager::PreCommit => PRE_COMMIT,
        Manager::Lefthook => LEFTHOOK,
        Manager::Husky => HUSKY,
    }
}

const PRE_COMMIT: &str = "\
# .pre-commit-config.yaml, then: pre-commit install --hook-type pre-commit --hook-type pre-push
repos:
  - repo: local
    hooks:
      - id: devenv-pre-commit
        name: authorization of what is staged
        entry: devenv hook run pre-commit
        language: system
        stages: [pre-commit]
        pass_filenames: false
        always_run: true
      - id: devenv-pre-push
        name: authorization of everything
        entry: devenv hook run pre-push
        language: system
        stages: [pre-push]
        pass_filenames: false
        always_run: true";

const LEFTHOOK: &str = "\
# lefthook.yml, then: lefthook install
pre-commit:
  jobs:
    - name: authorization of what is staged
      run: devenv hook run pre-commit
pre-push:
  jobs:
    - name: authorization of everything
      run: devenv hook run pre-push
      use_stdin: true";

const HUSKY: &str = "\
# .husky/pre-commit
devenv hook run pre-commit

# .husky/pre-push: git says on standard input what is pushed
devenv hook run pre-push";
