//! The server as a client sees it: real HTTP over ports that the system chooses.

#![allow(unreachable_pub)] // nothing of a test is reached from anywhere

mod admin;
mod agents;
#[cfg(feature = "etcd")]
mod cluster;
mod concurrency;
mod config;
mod documented;
mod encoded;
mod exploration;
mod failing_store;
mod first_contact;
mod gone;
mod growth;
mod http;
mod hub;
mod layers;
mod life;
mod limits;
mod manual;
mod openapi;
mod program;
mod recorded_trail;
mod recorders;
mod recorders_end;
mod server_name;
mod side_channels;
mod status;
mod trail;
mod transitions;
mod vectors;
mod webhooks;
mod webhooks_program;

use recording_server_test_support::{self as support, process};
