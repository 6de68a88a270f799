//! What is in the database: sessions and facts, and how they got there from older formats.

use recording_core::wire::{CorrelationId, UccName};
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};
use tracing::info;

use super::error::Reason;
use crate::store::image::Image;
use crate::store::{Found, Revision, SessionKey, form};

/// The format that is written.
const FORMAT: u64 = 2;

/// The oldest format that is read.
const OLDEST_FORMAT: u64 = 1;

/// Open sessions: id and UCC, to revision and what [`form`] makes of a session.
const SESSIONS: TableDefinition<'_, (u128, &str), (u64, &[u8])> = TableDefinition::new("sessions");

/// The same in format 1: no session had a recorder.
const STATES: TableDefinition<'_, (u128, &str), (u64, u8)> = TableDefinition::new("sessions");

/// What is to be known of the file as a whole.
const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");
const FORMAT_FACT: &str = "format";
const REVISION_FACT: &str = "last revision";
const ID_FACT: &str = "id";
/// The first epoch that is not reserved. Not in format 1.
const EPOCH_FACT: &str = "next epoch";

/// What is to be known of the file as a whole.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    pub(super) last_revision: u64,
    pub(super) id: u64,
    /// The first epoch that is not reserved.
    pub(super) next_epoch: u64,
}

pub(super) fn begin(database: &Database) -> Result<WriteTransaction, Reason> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    // What is the default anyway; nothing here works without.
    let _ = transaction.set_durability(Durability::Immediate);
    Ok(transaction)
}

/// Fills an empty database.
pub(super) fn write(transaction: &WriteTransaction, image: &Image, all: &Facts) -> Result<(), Reason> {
    let mut sessions = transaction.open_table(SESSIONS)?;
    image.each(|key, found| {
        let bytes = form::to_bytes(&found.session);
        let value = (found.revision.0, &bytes[..]);
        sessions.insert((key.correlation_id.to_u128(), key.ucc.as_str()), value).map(drop)
    })?;
    let mut facts = transaction.open_table(FACTS)?;
    facts.insert(FORMAT_FACT, FORMAT)?;
    facts.insert(REVISION_FACT, all.last_revision)?;
    facts.insert(ID_FACT, all.id)?;
    facts.insert(EPOCH_FACT, all.next_epoch)?;
    Ok(())
}

/// Makes these changes, the last of which has this revision.
pub(super) fn change(
    transaction: &WriteTransaction,
    changes: &[(SessionKey, Option<Found>)],
    last_revision: u64,
) -> Result<(), Reason> {
    let mut sessions = transaction.open_table(SESSIONS)?;
    for (key, found) in changes {
        let key = (key.correlation_id.to_u128(), key.ucc.as_str());
        match found {
            Some(found) => {
                let bytes = form::to_bytes(&found.session);
                sessions.insert(key, (found.revision.0, &bytes[..]))?;
            }
            None => drop(sessions.remove(key)?),
        }
    }
    transaction.open_table(FACTS)?.insert(REVISION_FACT, last_revision)?;
    Ok(())
}

/// Reserves all epochs before this one.
pub(super) fn reserve(transaction: &WriteTransaction, next_epoch: u64) -> Result<(), Reason> {
    transaction.open_table(FACTS)?.insert(EPOCH_FACT, next_epoch)?;
    Ok(())
}

/// The facts, by their names.
fn facts(transaction: &ReadTransaction) -> Result<impl Fn(&str) -> Result<u64, Reason>, Reason> {
    let facts = match transaction.open_table(FACTS) {
        Ok(facts) => facts,
        Err(redb::TableError::TableDoesNotExist(_)) => {
            return Err(Reason::Foreign("it is a database of something else".into()));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(move |name: &str| match facts.get(name) {
        Ok(Some(value)) => Ok(value.value()),
        Ok(None) => Err(Reason::Damaged(format!("it does not tell its {name}"))),
        Err(error) => Err(error.into()),
    })
}

/// Moves a file of format 1 on to the format that is written: all of it or nothing.
pub(super) fn move_on(database: &Database) -> Result<(), Reason> {
    let transaction = database.begin_read()?;
    let fact = facts(&transaction)?;
    match fact(FORMAT_FACT)? {
        FORMAT => return Ok(()),
        OLDEST_FORMAT => {}
        found => return Err(Reason::Format { found, oldest: OLDEST_FORMAT, newest: FORMAT }),
    }
    let last_revision = fact(REVISION_FACT)?;
    let writing = begin(database)?;
    {
        let states = transaction.open_table(STATES)?;
        writing.delete_table(STATES)?;
        let mut sessions = writing.open_table(SESSIONS)?;
        for row in states.iter()? {
            let (key, value) = row?;
            let (revision, state) = value.value();
            // A file that is refused stays as it is.
            read(revision, &[state], last_revision)?;
            sessions.insert(key.value(), (revision, &[state][..]))?;
        }
        let mut facts = writing.open_table(FACTS)?;
        facts.insert(FORMAT_FACT, FORMAT)?;
        facts.insert(EPOCH_FACT, 0)?;
    }
    writing.commit()?;
    info!(target: "recording", from = OLDEST_FORMAT, to = FORMAT, "the store's file has another format now");
    Ok(())
}

/// A session, if it is one.
fn read(revision: u64, bytes: &[u8], last_revision: u64) -> Result<Found, Reason> {
    let session = form::from_bytes(bytes).map_err(Reason::Damaged)?;
    if revision > last_revision {
        return Err(Reason::Damaged("a session has a revision that cannot be".into()));
    }
    Ok(Found { session, revision: Revision(revision) })
}

/// The sessions and the facts.
pub(super) fn load(database: &Database) -> Result<(Image, Facts), Reason> {
    let transaction = database.begin_read()?;
    let fact = facts(&transaction)?;
    let facts = Facts { last_revision: fact(REVISION_FACT)?, id: fact(ID_FACT)?, next_epoch: fact(EPOCH_FACT)? };
    let sessions = transaction.open_table(SESSIONS)?;
    let mut rows = Vec::with_capacity(usize::try_from(sessions.len()?).unwrap_or_default().min(1 << 20));
    for row in sessions.iter()? {
        let (key, value) = row?;
        let ((id, ucc), (revision, bytes)) = (key.value(), value.value());
        let ucc = UccName::new(ucc).map_err(|error| Reason::Damaged(error.to_string()))?;
        let found = read(revision, bytes, facts.last_revision)?;
        rows.push((SessionKey::new(ucc, CorrelationId::from_u128(id)), found));
    }
    Ok((Image::of(rows), facts))
}
