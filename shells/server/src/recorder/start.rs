//! The recorders of a config: looked for from the time that they are in one.

use std::sync::Arc;

use super::configured::{RecorderConfig, RecorderKind};
use super::http::HttpRecorder;
use super::port::Recorder;
use super::registry::Recorders;
use super::rtpengine::Rtpengine;
use crate::health::Health;

impl Recorders {
    /// Puts the recorders of a config in force: those that are new are looked for from now on, those that are gone get no new
    /// orders. The files of the others are read again.
    ///
    /// Must be called in a runtime.
    ///
    /// # Errors
    ///
    /// What is wrong with one, naming it. Nothing was changed then.
    pub(crate) fn configure(
        &self,
        configs: &[RecorderConfig],
        store_id: u64,
        health: &Arc<Health>,
    ) -> Result<(), String> {
        let mut known = self.known();
        let (mut added, mut read) = (Vec::new(), Vec::new());
        for config in configs {
            let failed = |reason: String| format!("recorder {:?}: {reason}", config.name);
            match known.get(&config.name) {
                // What it was sent before may still be under way, and is known to this process only.
                Some((before, _)) if before != config => {
                    let text =
                        "it cannot be changed while the server runs: give it another name, or restart the server";
                    return Err(failed(text.to_owned()));
                }
                Some((_, recorder)) => read.push(recorder.read_again().map_err(failed)?),
                None => added.push((config.clone(), start(config, store_id, health).map_err(failed)?)),
            }
        }
        known.extend(added.into_iter().map(|(config, recorder)| (config.name.clone(), (config, recorder))));
        let in_force = configs.iter().filter_map(|config| {
            let (_, recorder) = known.get(&config.name)?;
            Some((config.name.clone(), Arc::clone(recorder)))
        });
        self.replace(in_force.collect::<Vec<_>>());
        read.into_iter().for_each(|put_in_force| put_in_force());
        Ok(())
    }
}

/// Reads the files that these name.
///
/// # Errors
///
/// What is wrong with one, naming it.
pub(crate) fn check(configs: &[RecorderConfig]) -> Result<(), String> {
    configs.iter().try_for_each(|config| match &config.kind {
        RecorderKind::Rtpengine(_) => Ok(()),
        RecorderKind::Http(options) => {
            HttpRecorder::check(options.clone()).map_err(|error| format!("recorder {:?}: {error}", config.name))
        }
    })
}

fn start(config: &RecorderConfig, store_id: u64, health: &Arc<Health>) -> Result<Arc<dyn Recorder>, String> {
    const WHAT: &str = "a task of a recorder";
    match &config.kind {
        RecorderKind::Rtpengine(options) => {
            let (recorder, alive) = Rtpengine::start(options.clone(), store_id).map_err(|error| error.to_string())?;
            tokio::spawn(health.vital(WHAT, async {
                let reason = alive.ended().await;
                tracing::error!(target: "recording", reason, "a task of a recorder has ended");
            }));
            Ok(Arc::new(recorder))
        }
        RecorderKind::Http(options) => {
            let started = HttpRecorder::start(config.name.clone(), options.clone());
            let (recorder, looks) = started.map_err(|error| error.to_string())?;
            tokio::spawn(health.vital(WHAT, async {
                let _ = looks.await;
            }));
            Ok(Arc::new(recorder))
        }
    }
}
