//! Runs the built `devenv` as its users do: another process, a scrubbed environment, state in a temporary directory.

#[cfg(test)]
mod ci;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod composer;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod docker;
#[cfg(test)]
mod embedded;
#[cfg(test)]
mod export;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod flaws;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod podman;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod product;
#[cfg(test)]
mod program;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod story;
#[cfg(test)]
mod target;
#[cfg(test)]
mod upkeep;
#[cfg(test)]
mod workspace;
#[cfg(test)]
mod worktrees;
