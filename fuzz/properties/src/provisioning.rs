//! Hostile bytes as the provisioning document of a gateway.

use recording_core::Directory;
use recording_core::wire::{SipUri, UccName};

use crate::strict::{self, Document, Tree};
use crate::world::settings;
use recording_test_support::naive;

const UCCS: usize = 4;
const AGENTS: usize = 6;
const TEXT: usize = 320;

const SWITCHES: [&str; 4] =
    ["recording_api_licensed", "use_audio_recording", "agent_can_edit_audio_recording", "save_recording_by_default"];

/// A UCC as the document has it; of agents that are the same the first spelling.
#[derive(Debug, PartialEq, Eq)]
struct Ucc {
    name: String,
    settings: naive::Ucc,
    agents: Vec<String>,
}

/// A document fills the directory with what `serde_json` reads from it, or leaves the directory empty.
///
/// # Panics
///
/// When it does not.
pub fn provisioning(data: &[u8]) {
    let shown = || String::from_utf8_lossy(data);
    let mut directory = Directory::<UCCS, AGENTS, TEXT>::new();
    let all_on = naive::Ucc {
        licensed: true,
        use_audio_recording: true,
        agent_can_edit: true,
        save_by_default: true,
        repeats_accepted: true,
    };
    let before = directory.add_ucc(UccName::new("before").expect("a name"), settings(all_on)).expect("room");
    directory.add_agent(before, SipUri::new("sip:before@x").expect("a URI")).expect("room");

    let loaded = directory.load(data);
    if let Err(error) = &loaded {
        assert_eq!(directory.uccs().count(), 0, "{error}: {}", shown());
        assert!(directory.find(UccName::new("before").expect("a name")).is_none(), "{}", shown());
        assert!(!error.to_string().is_empty());
    }
    let expected = match strict::read(data) {
        Document::Private => return,
        Document::Bad | Document::Deep => None,
        Document::Sound(document) => uccs(document),
    };
    match (loaded, expected) {
        (Err(_), None) => {}
        (Ok(()), Some(expected)) => filled(&directory, &expected),
        (loaded, expected) => panic!("{loaded:?}, expected {expected:?}: {}", shown()),
    }
}

fn filled(directory: &Directory<UCCS, AGENTS, TEXT>, expected: &[Ucc]) {
    let keys: Vec<_> = directory.uccs().collect();
    assert_eq!(keys.len(), expected.len());
    for (&key, ucc) in keys.iter().zip(expected) {
        let name = UccName::new(&ucc.name).expect("a name");
        assert_eq!((directory.find(name), directory.name(key)), (Some(key), Some(name)));
        assert_eq!(directory.settings(key), Some(settings(ucc.settings)));
        assert!(directory.agents(key).map(SipUri::as_str).eq(ucc.agents.iter().map(String::as_str)));
        for other in expected {
            for agent in &other.agents {
                let shouted = agent.to_ascii_uppercase();
                let is_agent = ucc.agents.iter().any(|own| naive::sip_same(own, agent));
                assert_eq!(directory.is_agent(key, SipUri::new(&shouted).expect("a URI")), is_agent, "{agent}");
            }
        }
    }
}

/// The UCCs of a document that holds in every respect and fits.
fn uccs(document: Tree) -> Option<Vec<Ucc>> {
    let Tree::Object(members) = document else { return None };
    let [(key, Tree::List(list))] = <[_; 1]>::try_from(members).ok()? else { return None };
    let uccs = list.into_iter().map(ucc).collect::<Option<Vec<_>>>().filter(|_| key == "uccs")?;
    let distinct = uccs.iter().enumerate().all(|(at, ucc)| uccs[..at].iter().all(|other| other.name != ucc.name));
    let agents = || uccs.iter().flat_map(|ucc| &ucc.agents);
    let text: usize = uccs.iter().map(|ucc| &ucc.name).chain(agents()).map(String::len).sum();
    (distinct && (1..=UCCS).contains(&uccs.len()) && agents().count() <= AGENTS && text <= TEXT).then_some(uccs)
}

fn ucc(value: Tree) -> Option<Ucc> {
    let Tree::Object(members) = value else { return None };
    let known = |key: &str| SWITCHES.contains(&key) || ["name", "repeats", "agents"].contains(&key);
    let once = |key: &str| members.iter().filter(|(other, _)| other == key).count() <= 1;
    if !members.iter().all(|(key, _)| known(key) && once(key)) {
        return None;
    }
    let of = |key: &str| members.iter().find(|(other, _)| other == key).map(|(_, value)| value);
    let [licensed, audio, edit, save] = SWITCHES.map(|key| match of(key) {
        Some(Tree::Bool(on)) => Some(*on),
        _ => None,
    });
    let repeats_accepted = match of("repeats") {
        None => true,
        Some(Tree::Text(text)) if text == "accept" => true,
        Some(Tree::Text(text)) if text == "refuse" => false,
        Some(_) => return None,
    };
    let (Some(Tree::Text(name)), Some(Tree::List(uris))) = (of("name"), of("agents")) else { return None };
    let mut agents: Vec<String> = Vec::new();
    for uri in uris {
        let Tree::Text(uri) = uri else { return None };
        if !naive::sip_ok(uri) {
            return None;
        }
        if !agents.iter().any(|agent| naive::sip_same(agent, uri)) {
            agents.push(uri.clone());
        }
    }
    let settings = naive::Ucc {
        licensed: licensed?,
        use_audio_recording: audio?,
        agent_can_edit: edit?,
        save_by_default: save?,
        repeats_accepted,
    };
    (naive::ucc_name_ok(name) && name != "." && name != "..").then(|| Ucc { name: name.clone(), settings, agents })
}
