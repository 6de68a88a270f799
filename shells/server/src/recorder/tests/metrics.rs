//! Each metric of recorders moves when it should, and only then.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use recording_core::Action;
use recording_core::recorder::{Channel, RecorderState, ResumePolicy};
use recording_core::wire::{CorrelationId, UccName};

use super::scripted::{ANNA, UCC, World, recording};
use crate::caller::Caller;
use crate::directory::Recording;
use crate::metrics::{Format, Levels, MetricsWriter, write};
use crate::recorder::port::Outcome;
use crate::service::Service;
use crate::store::MemoryStore;

struct Page(Arc<Service<MemoryStore>>);

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page")
    }
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = MetricsWriter(encoder);
        self.0.metrics().write(&mut writer, Levels { uccs: 1, agents: 2, ready: true, ..Levels::default() })?;
        self.0.recorders().levels().write(&mut writer)
    }
}

/// What is counted of recorders and is not 0, by name and labels. Times are left out.
fn counted(world: &World<MemoryStore>) -> BTreeMap<String, f64> {
    let page = write(Page(Arc::clone(&world.service)), Format::accepted(&[])).expect("a page");
    let is_of_recorders = |name: &str| {
        let about = ["recorder", "overdue", "holds", "closing", "unconfirmed"];
        about.iter().any(|about| name.contains(about)) && !name.contains("_sum") && !name.contains("_bucket")
    };
    let lines = page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    let values = lines.filter_map(|(name, value)| Some((name.strip_prefix("recording_")?, value.parse().ok()?)));
    values
        .filter(|&(name, value): &(&str, f64)| is_of_recorders(name) && value != 0.0)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Holds what is counted against what it was, with these differences.
fn differ(before: &mut BTreeMap<String, f64>, world: &World<MemoryStore>, differences: &[(&str, f64)]) {
    let now = counted(world);
    for (name, difference) in differences {
        *before.entry((*name).to_owned()).or_default() += difference;
    }
    before.retain(|_, value| *value != 0.0);
    assert_eq!(now, *before);
}

const RECORDED: &str = r#"recorder_orders_total{order="Record",outcome="carried out"}"#;
const RECORD_TIME: &str = r#"recorder_confirmation_seconds_count{order="Record"}"#;
const PAUSED: &str = r#"recorder_orders_total{order="Pause",outcome="carried out"}"#;
const PAUSE_TIME: &str = r#"recorder_confirmation_seconds_count{order="Pause"}"#;
const REPEATED: &str = r#"recorder_orders_total{order="Pause",outcome="repeat confirmed"}"#;
const NOT_PAUSED: &str = r#"recorder_orders_total{order="Pause",outcome="not carried out"}"#;
const NOT_CONFIRMED: &str = r#"recorder_orders_total{order="Pause",outcome="not confirmed"}"#;
const NO_SUCH_CALL: &str = r#"recorder_orders_total{order="Pause",outcome="no such call"}"#;
const STOP_TIME: &str = r#"recorder_confirmation_seconds_count{order="Stop"}"#;

#[tokio::test(start_paused = true)]
async fn each_metric_moves_when_it_should() {
    let recording = Recording { pause_limit: Some(Duration::from_secs(3)), ..recording(ResumePolicy::Holders) };
    let mut world = World::new(MemoryStore::new(), recording, Channel::Ordered).await;
    let soon = || tokio::time::sleep(Duration::from_millis(1));
    let mut known = BTreeMap::new();
    differ(&mut known, &world, &[(r#"recorder_answers{recorder="scripted"}"#, 1.0)]);
    world.recorded(1).await;
    differ(&mut known, &world, &[(RECORDED, 1.0), (RECORD_TIME, 1.0)]);

    let pause = world.set(1, Action::Pause, ANNA);
    let asked = world.next().await;
    differ(&mut known, &world, &[("unconfirmed_orders", 1.0), ("holds", 1.0)]);
    asked.carry_out();
    assert_eq!(pause.await.expect("a reply").1, None);
    differ(&mut known, &world, &[("unconfirmed_orders", -1.0), (PAUSED, 1.0), (PAUSE_TIME, 1.0)]);

    // A repeat is no order that is not confirmed.
    let repeat = world.next().await;
    differ(&mut known, &world, &[]);
    repeat.carry_out();
    soon().await;
    differ(&mut known, &world, &[(REPEATED, 1.0), (PAUSE_TIME, 1.0)]);
    let repeat = world.next().await;
    differ(&mut known, &world, &[("overdue_sessions", 1.0), ("overdue_pauses_total", 1.0)]);

    repeat.is(RecorderState::Recording);
    let silence = world.next().await;
    let found = [
        ("recorder_alarms_total", 1.0),
        (NOT_PAUSED, 1.0),
        (PAUSE_TIME, 1.0),
        ("overdue_sessions", -1.0),
        ("unconfirmed_orders", 1.0),
    ];
    differ(&mut known, &world, &found);
    silence.reply(Outcome::Unknown("away".to_owned()));
    let silence = world.next().await;
    differ(&mut known, &world, &[(NOT_CONFIRMED, 1.0)]);
    silence.reply(Outcome::NoSuchCall);
    let silence = world.next().await;
    differ(&mut known, &world, &[(NO_SUCH_CALL, 1.0)]);
    silence.carry_out();
    soon().await;
    differ(&mut known, &world, &[("unconfirmed_orders", -1.0), (PAUSED, 1.0), (PAUSE_TIME, 1.0)]);

    let ucc = UccName::new(UCC).expect("a name");
    let ended = world.service.end(ucc, CorrelationId::from_u128(1), Caller::default()).await;
    assert!(ended.is_ok());
    let stop = world.next().await;
    differ(&mut known, &world, &[("closing_sessions", 1.0), ("unconfirmed_orders", 1.0)]);
    stop.carry_out();
    soon().await;
    let over = [("closing_sessions", -1.0), ("unconfirmed_orders", -1.0), ("holds", -1.0), (STOP_TIME, 1.0)];
    differ(&mut known, &world, &over);

    world.condition.restart();
    differ(&mut known, &world, &[(r#"recorder_restarts_total{recorder="scripted"}"#, 1.0)]);
    world.condition.fail_self_test();
    differ(&mut known, &world, &[(r#"recorder_self_tests_total{recorder="scripted",result="failed"}"#, 1.0)]);
}
