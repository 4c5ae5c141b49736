if ! command -v devenv >/dev/null; then
  if [ -z "${DEVENV_REPOSITORY:-}" ]; then
    echo "no devenv here: set the variable DEVENV_REPOSITORY to its Git repository" >&2
    exit 1
  fi
  cargo install --locked --git "$DEVENV_REPOSITORY" ${DEVENV_REVISION:+--rev "$DEVENV_REVISION"} devenv
fi
