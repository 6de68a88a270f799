//! The client with real members of etcd. `cargo xtask cluster client` gets etcd and runs this.

mod auth;
mod faults;
mod keys;
mod nested;
mod quota;
mod support;
mod tls;
mod watches;
