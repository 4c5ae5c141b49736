//! The server over HTTP, without a socket.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod authentication;
#[cfg(test)]
mod common;
#[cfg(test)]
mod continuous;
#[cfg(test)]
mod control;
#[cfg(test)]
mod evaluation;
#[cfg(test)]
mod events;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod github;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod patch;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod robustness;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sts;
#[cfg(test)]
mod users;
#[cfg(test)]
mod values;
#[cfg(test)]
mod world;
