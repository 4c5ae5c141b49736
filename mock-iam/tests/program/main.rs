//! The program of its own: example, start, health, log, end; and what only a socket shows.
#![cfg(test)]

mod socket;
mod standalone;
