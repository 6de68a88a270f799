//! etcd's own history of revisions, as its program `etcdctl` prints it.

use crate::chain::{Cause, Chains, Change};
use crate::client;
use anyhow::{Context as _, Result, bail, ensure};
use core::time::Duration;
use recording_core::State as CoreState;
use recording_lab::process::Program;
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
};

use crate::model::State;

/// For how long a watch must be silent until it has printed everything: it is held against a list of all keys afterwards.
const SILENCE: Duration = Duration::from_secs(3);

/// Reads from a cluster.
#[derive(Debug)]
pub(crate) struct Reader {
    etcdctl: PathBuf,
    endpoints: Vec<String>,
    prefix: String,
}

impl Reader {
    pub(crate) fn new(endpoints: Vec<String>, prefix: &str) -> Result<Self> {
        let programs = etcd_members::Programs::find().map_err(anyhow::Error::msg)?;
        let etcdctl = programs.etcdutl().with_file_name("etcdctl");
        Ok(Self { etcdctl, endpoints, prefix: format!("{prefix}/s/") })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.etcdctl);
        command.args(["--dial-timeout=2s", "--command-timeout=5s", "--write-out=json", "--endpoints"]);
        command.arg(self.endpoints.join(",")).args(words).stdin(Stdio::null());
        command
    }

    fn get(&self, words: &[&str]) -> Result<Value> {
        let output = self.command(words).output()?;
        ensure!(output.status.success(), "etcdctl: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The revision of the cluster, as a majority has it.
    pub(crate) fn revision(&self) -> Result<u64> {
        self.get(&["get", "--consistency=l", "none"])?["header"]["revision"].as_u64().context("a revision")
    }

    /// All changes.
    pub(crate) fn chains(&self) -> Result<Chains> {
        let now = self.get(&["get", "--consistency=l", "--prefix", &self.prefix])?;
        let mut watch = self.command(&["watch", "--prefix", "--rev=1", "--prev-kv", &self.prefix]);
        let mut program = Program::start(watch.stdout(Stdio::piped()).stderr(Stdio::null()))?;
        let lines = BufReader::new(program.take_output().context("its output")?).lines();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut chains = Chains::new();
        while let Ok(line) = receiver.recv_timeout(SILENCE) {
            let line: Value = serde_json::from_str(&line)?;
            for event in line["Events"].as_array().into_iter().flatten() {
                read(event, &self.prefix, &mut chains).with_context(|| format!("an event: {event}"))?;
            }
        }
        let open = chains.iter().filter_map(|(session, chain)| Some((*session, chain.last()?.after?)));
        let mut listed: Vec<(usize, State)> = Vec::new();
        for kv in now["kvs"].as_array().into_iter().flatten() {
            listed.push((key(kv, &self.prefix)?, value(kv)?.1));
        }
        listed.sort_unstable();
        ensure!(open.eq(listed.iter().copied()), "the watch's last values are not those of the list: {listed:?}");
        Ok(chains)
    }
}

fn bytes(kv: &Value, name: &str) -> Result<Vec<u8>> {
    base64(kv[name].as_str().unwrap_or_default())
}

fn key(kv: &Value, prefix: &str) -> Result<usize> {
    let key = String::from_utf8(bytes(kv, "key")?)?;
    let id = key.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(&format!("/{}", client::UCC)));
    let hyphens = |id: &str| {
        let part = |from: usize, to: usize| id.get(from..to);
        Some([part(0, 8)?, part(8, 12)?, part(12, 16)?, part(16, 20)?, part(20, 32)?].join("-"))
    };
    id.and_then(hyphens).and_then(|id| client::session(&id)).with_context(|| format!("no session of this run: {key}"))
}

/// The cause and the state that a value has: its second byte is the action, and its last the state.
fn value(kv: &Value) -> Result<(Cause, State)> {
    let bytes = bytes(kv, "value")?;
    let [1, action, .., state] = bytes[..] else { bail!("no value: {bytes:?}") };
    ensure!(bytes.len() == 19, "no value of a session without a recorder: {bytes:?}");
    let state = CoreState::from_byte(state).context("a state")?;
    let state = (state.recording().code(), state.marking().code(), state.saving().code());
    Ok((if action == 0 { Cause::Begin } else { Cause::Set(action) }, state))
}

fn read(event: &Value, prefix: &str, chains: &mut Chains) -> Result<()> {
    let kv = &event["kv"];
    let before = match &event["prev_kv"] {
        Value::Null => None,
        before => Some(value(before)?.1),
    };
    let (cause, after) = match event["type"].as_u64().unwrap_or_default() {
        0 => value(kv).map(|(cause, state)| (cause, Some(state)))?,
        1 => (Cause::End, None),
        other => bail!("no kind of event: {other}"),
    };
    let revision = kv["mod_revision"].as_u64().context("a revision")?;
    chains.entry(key(kv, prefix)?).or_default().push(Change { revision, cause, before, after, by: None });
    Ok(())
}

/// What these characters of the usual alphabet mean.
fn base64(text: &str) -> Result<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let digit = ALPHABET.iter().position(|one| *one == byte).context("no base64")?;
        bits = bits << 6 | u32::try_from(digit)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff)?);
            bits &= (1 << count) - 1;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() -> Result<()> {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("c28=", "so"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(base64(text)?, bytes.as_bytes());
        }
        assert!(base64("*").is_err());
        Ok(())
    }
}
