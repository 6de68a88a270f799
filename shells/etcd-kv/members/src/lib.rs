//! Members of etcd for tests: a cluster in a folder of its own and on free ports, whose members can be killed, stopped,
//! continued and started again.
//!
//! The programs are those that `cargo xtask cluster install` unpacks under `target/`, or those in the folder that `ETCD_BIN`
//! names. If there are none, a test that needs them fails and says so.

mod cluster;
mod programs;
mod signal;

pub use cluster::{Cluster, Place, Setup, TlsFiles};
pub use programs::{OLDEST, Programs, Version};
