//! A call of two people who do not stop speaking, for a recorder that runs already.

use anyhow::Result;
use core::net::SocketAddr;
use recording_lab::{media::Media, ng::Ng};
use serde_json::json;
use std::{thread, time::Duration};

/// What is needed for it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the recorder listens for commands
    #[arg(long)]
    ng: SocketAddr,
    /// The Call-ID
    #[arg(long)]
    call_id: String,
}

/// Offers the call and speaks until this process ends.
pub(crate) fn run(options: &Options) -> Result<()> {
    let media = Media::start(50);
    let ((caller, caller_port), (agent, agent_port)) = (media.add()?, media.add()?);
    let ports = Ng::new(options.ng)?.call(&options.call_id, caller_port, agent_port, &json!({}))?;
    media.point(caller, ports.caller);
    media.point(agent, ports.agent);
    println!("both speak, in the call {}", options.call_id);
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}
