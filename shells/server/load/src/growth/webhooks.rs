//! Events that wait for webhooks.

use core::time::Duration;

use axum::body::Bytes;
use recording_core::Action;
use recording_core::wire::{CorrelationId, UccNameBuf};
use recording_server::events::{Published, Tap as _};
use recording_server::webhook::{WebhookConfig, Webhooks, prepare};

use crate::measure::{Cpu, Outcome, Thing, tried};
use crate::store::block_on;

pub(crate) const THINGS: &[Thing] =
    &[Thing { one: "an event, for a webhook that so many sessions wait for", usual: 1000, each: true, time: waiting }];

/// Nothing is posted: no server has begun.
fn waiting(number: usize) -> Outcome<Duration> {
    let secret = std::env::temp_dir().join(format!("recording-growth-{}-secret", std::process::id()));
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")?;
    #[cfg(unix)]
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let mut config = WebhookConfig::new("hook", "http://127.0.0.1:1/".parse()?, secret.clone());
    config.queue_bytes = 1 << 30;
    let ucc = UccNameBuf::new("ucc-demo-name")?;
    let took = tried(|| {
        block_on(async {
            let webhooks = Webhooks::new();
            webhooks.replace(prepare(&[config.clone()], recording_server::hub::EventCase::Pascal)?);
            let json = Bytes::from_static(br#"{"UccName":"ucc-demo-name","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","StateAction":3}"#);
            let began = Cpu::now();
            for session in 0..number {
                let correlation_id = CorrelationId::from_u128(session as u128);
                let event = Published { ucc: ucc.clone(), correlation_id, action: Action::Pause, json: json.clone() };
                webhooks.published(&event, None);
            }
            Ok(began.elapsed())
        })
    });
    let _ = std::fs::remove_file(secret);
    took
}
