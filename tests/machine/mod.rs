//! Programs against a model of the contract; shared by the tests and the fuzz targets.

pub mod actors;
pub mod api;
pub mod bindings;
pub mod concurrent;
mod concurrent_steps;
pub mod contract;
pub mod program;
pub mod rules;
pub mod sequential;
mod sequential_client;
mod sequential_server;
mod sequential_things;
pub mod server;
pub mod tally;
