//! What a store in a cluster says of the cluster, and of how this server does with it.

use core::fmt;
use core::time::Duration;

use prometheus_client::registry::Unit;

use super::exposition::MetricsWriter;

/// What was looked up of a cluster for this answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClusterLevels {
    /// Members that the server knows.
    pub members: usize,
    /// Those that answered when all were last asked.
    pub answering: usize,
    /// How far the watch is from the greatest revision that is known.
    pub watch_lag: u64,
    /// Since when the watch has said nothing.
    pub watch_silence: Duration,
    /// How often the watch ended and was begun again.
    pub watch_restarts: u64,
    /// How often all sessions were listed again, since changes might have been missing.
    pub lists: u64,
    /// Changes of which it is not known whether they were made.
    pub unknown: u64,
    /// Requests to members.
    pub requests: u64,
    /// How often another member is asked first, since the one before failed.
    pub member_changes: u64,
    /// The size of the largest member's database, in bytes.
    pub database: u64,
    /// The most that it may have; 0 if the members do not say it.
    pub quota: u64,
    /// Whether this server's config is the one that all servers are to have.
    pub config_agrees: bool,
}

impl ClusterLevels {
    pub(crate) fn write(&self, writer: &mut MetricsWriter<'_>) -> fmt::Result {
        let help = "Members of etcd that the server was given";
        writer.gauge("etcd_members", help, None, self.members as f64)?;
        let help = "Members of etcd that answered when they were last asked, which is every 5 s";
        writer.gauge("etcd_members_answering", help, None, self.answering as f64)?;
        let help = "How many revisions of etcd the server knows of and its watch has not brought yet";
        writer.gauge("etcd_watch_lag_revisions", help, None, self.watch_lag as f64)?;
        let help = "Since when the watch on etcd has said nothing";
        writer.gauge("etcd_watch_silence", help, Some(&Unit::Seconds), self.watch_silence.as_secs_f64())?;
        let help = "How often the watch on etcd ended and was begun again where it was";
        writer.counter("etcd_watch_restarts", help, self.watch_restarts)?;
        let help =
            "How often all sessions were listed again and listeners sent away, since changes might have been missing";
        writer.counter("etcd_lists", help, self.lists)?;
        let help = "Changes of which it is not known whether etcd made them, begins and ends among them";
        writer.counter("etcd_unknown_outcomes", help, self.unknown)?;
        let help = "Requests to members of etcd";
        writer.counter("etcd_requests", help, self.requests)?;
        let help = "How often another member of etcd is asked first, since the one before failed";
        writer.counter("etcd_member_changes", help, self.member_changes)?;
        let help = "Size of etcd's database on the disk, of the member that has the largest";
        writer.gauge("etcd_database", help, Some(&Unit::Bytes), self.database as f64)?;
        let help = "The most that etcd's database may take; 0 from members before 3.6, which do not say it";
        writer.gauge("etcd_database_quota", help, Some(&Unit::Bytes), self.quota as f64)?;
        let help = "1 if the server's config is the one that all servers share, else 0";
        writer.gauge("etcd_config_agrees", help, None, f64::from(u8::from(self.config_agrees)))
    }
}
