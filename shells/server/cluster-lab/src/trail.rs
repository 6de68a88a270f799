//! The audit trail as the history of changes.

use crate::chain::{Cause, Chains, Change};
use crate::client;
use crate::model::State;
use anyhow::{Context as _, Result};
use recording_test_support::naive;
use serde_json::Value;
use std::{fs, path::Path};

/// The greatest revision in it.
pub(crate) fn last_revision(path: &Path) -> Result<u64> {
    let text = fs::read_to_string(path)?;
    let revision = |line: &str| {
        let (_, rest) = line.rsplit_once("\"Revision\":")?;
        rest.split(|end: char| !end.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    Ok(text.lines().filter_map(revision).max().unwrap_or_default())
}

/// All changes in it that were not withdrawn.
pub(crate) fn chains(path: &Path) -> Result<Chains> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut chains = Chains::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| format!("a line of the trail: {line}"))?;
        read(&line, &mut chains).with_context(|| format!("a line of the trail: {line}"))?;
    }
    Ok(chains)
}

/// Adds the change that a line is about, or takes it out again.
pub(crate) fn read(line: &Value, chains: &mut Chains) -> Result<()> {
    let text = |key: &str| line[key].as_str();
    let revision = || line["Revision"].as_u64().context("a revision");
    let cause = match (text("Call"), text("Outcome")) {
        (_, Some("withdrawn")) => {
            let revision = revision()?;
            chains.values_mut().for_each(|chain| chain.retain(|change| change.revision != revision));
            return Ok(());
        }
        (Some("set"), Some("changed")) => {
            let action = text("Action").context("an action")?;
            Cause::Set(naive::actions().find(|&code| naive::action_name(code) == action).context("a known action")?)
        }
        (Some("begin"), Some("opened")) => Cause::Begin,
        (Some("end"), Some("ended")) => Cause::End,
        _ => return Ok(()),
    };
    let session = client::session(text("CorrelationId").context("an id")?).context("an id of this run")?;
    let state = |key: &str| text(key).map(state).transpose();
    let by =
        text("RequesterSipUri").and_then(|uri| uri.strip_prefix("sip:c")?.strip_suffix("@domain.com")?.parse().ok());
    let change = Change { revision: revision()?, cause, before: state("Before")?, after: state("After")?, by };
    chains.entry(session).or_default().push(change);
    Ok(())
}

/// A state by its three names.
fn state(text: &str) -> Result<State> {
    let mut parts = text.split('/');
    let mut code = |names: &[&str]| {
        let part = parts.next()?;
        names.iter().position(|name| *name == part).and_then(|code| u8::try_from(code).ok())
    };
    let state = code(&naive::RECORDING).zip(code(&naive::MARKING)).zip(code(&naive::SAVING));
    let ((recording, marking), saving) = state.with_context(|| format!("no state: {text}"))?;
    Ok((recording, marking, saving))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_change_unless_it_is_withdrawn() -> Result<()> {
        let id = client::id(7);
        let file = tempfile::NamedTempFile::new()?;
        let lines = [
            format!(
                r#"{{"Call":"begin","CorrelationId":"{id}","After":"Started/None/None","Outcome":"opened","Revision":4}}"#
            ),
            format!(
                r#"{{"Call":"set","Action":"UnMark","RequesterSipUri":"sip:c12@domain.com","CorrelationId":"{id}","Before":"Started/None/None","After":"Started/Unmark/None","Outcome":"changed","Revision":5}}"#
            ),
            format!(r#"{{"Call":"set","CorrelationId":"{id}","Outcome":"refused"}}"#),
            format!(
                r#"{{"Call":"end","CorrelationId":"{id}","Before":"Started/Unmark/None","Outcome":"ended","Revision":6}}"#
            ),
            r#"{"Call":"store","Outcome":"withdrawn","Revision":6}"#.to_owned(),
            r#"{"Call":"server","Outcome":"started","Revision":6}"#.to_owned(),
        ];
        fs::write(file.path(), lines.join("\n"))?;
        let begun = Change { revision: 4, cause: Cause::Begin, before: None, after: Some((1, 0, 0)), by: None };
        let unmarked =
            Change { revision: 5, cause: Cause::Set(7), before: Some((1, 0, 0)), after: Some((1, 2, 0)), by: Some(12) };
        assert_eq!(chains(file.path())?, Chains::from([(7, vec![begun, unmarked])]));
        assert_eq!(last_revision(file.path())?, 6);
        assert!(state("Started/None").is_err());
        Ok(())
    }
}
