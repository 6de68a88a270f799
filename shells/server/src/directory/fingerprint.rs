//! The fingerprint of a directory.

use super::{Directory, Recording, Ucc};
use crate::fingerprint::{Facts, Fingerprint};
use recording_core::Settings;
use recording_core::recorder::ResumePolicy;
use recording_core::state::RepeatPolicy;

impl Directory {
    /// What this config comes to, compared with that of other servers. It names every field of what a decision is made from,
    /// so that one which is added does not compile before it is here; its default must add no [fact](Facts).
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        // Webhooks decide nothing, and their files may be elsewhere on each machine.
        let Self { uccs, recorders, webhooks: _ } = self;
        let mut rest = Facts::new();
        let mut by_name: Vec<_> = recorders.iter().collect();
        by_name.sort_unstable_by_key(|recorder| &recorder.name);
        for recorder in by_name {
            // Only servers of the same version share recorders, once they share any.
            rest.fact("recorder", &format!("{recorder:?}"));
        }
        let mut all = Fingerprint::new(rest);
        for (name, ucc) in uccs {
            let Ucc { settings, recording, listed, patterns, file } = ucc;
            let mut texts: Vec<_> = listed.iter().collect();
            texts.sort_unstable();
            let mut who = Facts::new();
            texts.into_iter().for_each(|agent| who.fact("agent", agent));
            let mut texts: Vec<_> = patterns.iter().map(ToString::to_string).collect();
            texts.sort_unstable();
            texts.iter().for_each(|pattern| who.fact("agent_pattern", pattern));
            // That there is one, and not whom it has: it changes at each server at another moment, and no server would be ready
            // from one change of it to the next signal.
            if file.is_some() {
                who.fact("agents_file", "");
            }
            all.add(name, settings_of(settings, recording), who);
        }
        all
    }
}

fn settings_of(settings: &Settings, recording: &Recording) -> Facts {
    let mut facts = Facts::new();
    let &Settings {
        recording_api_licensed,
        use_audio_recording,
        agent_can_edit_audio_recording,
        save_recording_by_default,
        repeats,
    } = settings;
    let switches =
        [recording_api_licensed, use_audio_recording, agent_can_edit_audio_recording, save_recording_by_default];
    for (key, on) in Settings::SWITCHES.into_iter().zip(switches) {
        facts.fact(key, if on { "true" } else { "false" });
    }
    facts.fact(RepeatPolicy::KEY, &repeats.to_string());
    let Recording { recorder, resume, pause_limit } = recording;
    if let Some(recorder) = recorder {
        facts.fact("recorder", recorder);
    }
    if *resume != ResumePolicy::default() {
        facts.fact("resume", &resume.to_string());
    }
    if let Some(limit) = pause_limit {
        facts.fact("pause_limit_seconds", &limit.as_secs().to_string());
    }
    facts
}

#[cfg(test)]
mod tests {
    use crate::config::parse;
    use crate::fingerprint::ReadFingerprint;

    /// How the second config differs from the first.
    fn difference(one: &str, other: &str) -> Option<String> {
        let of = |text: &str| parse(text).expect("a good config").fingerprint();
        let shared = ReadFingerprint::from_json(of(one).to_json().as_bytes()).expect("what was written");
        of(other).difference(&shared)
    }

    const BASE: &str = "[[ucc]]\nname = \"u\"\nrecording_api_licensed = true\nuse_audio_recording = true\n\
        agent_can_edit_audio_recording = true\nsave_recording_by_default = true\nagents = [\"sip:a@d.com\", \"sip:b@d.com\"]\n";

    /// Each key of a config changed to each other value: the part that it belongs to is named.
    #[test]
    fn every_key_of_a_config_is_in_it() {
        for key in recording_core::Settings::SWITCHES {
            let other = BASE.replace(&format!("{key} = true"), &format!("{key} = false"));
            assert_eq!(difference(BASE, &other).as_deref(), Some("the settings of UCC 'u'"), "{key}");
        }
        let refuse = format!("{BASE}repeats = \"refuse\"\n");
        assert_eq!(difference(BASE, &refuse).as_deref(), Some("the settings of UCC 'u'"));
        for agents in ["[]", "[\"sip:a@d.com\"]", "[\"sip:a@d.com\", \"sip:c@d.com\"]"] {
            let other = BASE.replace("[\"sip:a@d.com\", \"sip:b@d.com\"]", agents);
            assert_ne!(other, BASE);
            assert_eq!(difference(BASE, &other).as_deref(), Some("the agents of UCC 'u'"), "{agents}");
        }
        for more in ["[\"sip:*@d.com\"]", "[\"sip:*@d.com\", \"sip:*@e.com\"]"] {
            let other = format!("{BASE}agent_patterns = {more}\n");
            assert_eq!(difference(BASE, &other).as_deref(), Some("the agents of UCC 'u'"), "{more}");
            // A pattern is no agent of the list.
            let listed = BASE.replace("[\"sip:a@d.com\", \"sip:b@d.com\"]", more);
            let pattern =
                BASE.replace("agents = [\"sip:a@d.com\", \"sip:b@d.com\"]", &format!("agent_patterns = {more}"));
            assert_eq!(difference(&listed, &pattern).as_deref(), Some("the agents of UCC 'u'"), "{more}");
        }
        let patterns = |two: &str| format!("{BASE}agent_patterns = [{two}]\n");
        assert_eq!(difference(&patterns("\"sip:*@a\", \"sip:*@b\""), &patterns("\"sip:*@b\", \"sip:*@a\"")), None);
        let recorder = "[[recorder]]\nname = \"r\"\nkind = \"http\"\nurl = \"http://127.0.0.1:1/\"\n";
        let recorded = format!("{BASE}recorder = \"r\"\n{recorder}");
        assert_eq!(difference(BASE, &recorded).as_deref(), Some("the settings of UCC 'u', the recorders"));
        for (key, value) in [("resume", "\"holders\""), ("pause_limit_seconds", "60")] {
            let other = recorded.replace("recorder = \"r\"\n", &format!("recorder = \"r\"\n{key} = {value}\n"));
            assert_eq!(difference(&recorded, &other).as_deref(), Some("the settings of UCC 'u'"), "{key}");
        }
        let elsewhere = recorded.replace("127.0.0.1:1", "127.0.0.1:2");
        assert_eq!(difference(&recorded, &elsewhere).as_deref(), Some("the recorders"));
    }

    /// That there is a file of agents is in it, and not whom the file has.
    #[test]
    fn the_agents_of_a_file_are_not_compared() {
        let place = |name: &str, text: &str| {
            let place = std::env::temp_dir().join(format!("recording-fingerprint-{}-{name}", std::process::id()));
            std::fs::write(&place, text).expect("a file");
            place
        };
        let of = |agents: &str| {
            let agents = place("agents", agents);
            let config = place("config", &format!("{BASE}agents_file = {agents:?}\n"));
            let found = crate::config::load(&config).expect("a good config").fingerprint();
            [agents, config].into_iter().for_each(|place| std::fs::remove_file(place).expect("it is there"));
            found
        };
        assert_eq!(of("sip:c@d.com\n"), of("sip:e@d.com\n"));
        assert_ne!(of("sip:c@d.com\n"), parse(BASE).expect("a good config").fingerprint());
    }

    /// What a decision does not depend on: order, comments, and a default that is written out.
    #[test]
    fn how_a_config_is_written_does_not_matter() {
        let second = BASE.replace("\"u\"", "\"v\"");
        let swapped = BASE.replace("[\"sip:a@d.com\", \"sip:b@d.com\"]", "[\"sip:b@d.com\", \"sip:a@d.com\"]");
        assert_ne!(swapped, BASE);
        let other = format!("# a comment\n{second}{swapped}repeats = \"accept\"\n");
        assert_eq!(difference(&format!("{BASE}{second}"), &other), None);
    }

    /// A version that changes what a config comes to keeps servers that are upgraded one after the other from being ready.
    #[test]
    fn the_stored_form_stays() {
        let json = parse(BASE).expect("a good config").fingerprint().to_json();
        // By another program than this one, from the description of the form.
        let whole = "84d1469184688257f0cc65a5e4629348dd6f174a6d152783c3ebf27c68f55174";
        let [settings, agents] = ["764bc52751373b2d", "30510004cda7988a"];
        let expected = format!(
            r#"{{"format":1,"whole":"{whole}","rest":"0000000000000000","uccs":{{"u":["{settings}","{agents}"]}}}}"#
        );
        assert_eq!(json, expected);
    }
}
