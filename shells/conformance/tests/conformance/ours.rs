//! Our own server holds every rule that a response can show.

use core::net::SocketAddr;
use std::sync::Arc;

use recording_conformance::address::Address;
use recording_conformance::http::Server;
use recording_conformance::report::{Subject, text};
use recording_core::{Repeats, Settings, SipUriBuf, UccNameBuf};
use recording_server::directory::{Directory, Ucc};
use recording_server::net::Limits;
use recording_server::server::{Addresses, start};
use recording_server::service::Service;
use recording_server::store::MemoryStore;
use recording_testkit::explore::{Options, explore};
use recording_testkit::plan::{Plan, Profile};
use recording_testkit::rules::Rule;
use tokio::runtime::Runtime;

/// Our server in this process, with the world of a plan. It runs as long as the runtime.
pub(crate) fn serve(runtime: &Runtime, plan: &Plan) -> (Address, Address) {
    let mut directory = Directory::new();
    for ucc in &plan.uccs {
        let Some(settings) = ucc.settings else { continue };
        let settings = Settings {
            recording_api_licensed: settings.licensed,
            use_audio_recording: settings.use_audio_recording,
            agent_can_edit_audio_recording: settings.agent_can_edit,
            save_recording_by_default: settings.save_by_default,
            repeats: if settings.repeats_accepted { Repeats::Accept } else { Repeats::Refuse },
        };
        let agent = SipUriBuf::new(&plan.agent).unwrap();
        directory.add(&UccNameBuf::new(&ucc.name).unwrap(), Ucc::new(settings, [agent])).unwrap();
    }
    let service = Arc::new(Service::new(directory, MemoryStore::new()));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let running = runtime.block_on(start(service, Addresses { api: any, admin: any }, Limits::default())).unwrap();
    let url = |address: SocketAddr| Address::parse(&format!("http://{address}")).unwrap();
    let addresses = running.addresses();
    // Stopping it is the runtime's end.
    core::mem::forget(running);
    (url(addresses.api), url(addresses.admin))
}

#[test]
fn our_server_holds_every_rule() {
    let runtime = Runtime::new().unwrap();
    for profile in [Profile::All, Profile::Documented] {
        let plan = Arc::new(Plan { profile, ..Plan::full() });
        let (url, admin) = serve(&runtime, &plan);
        let mut server = Server::new(url.clone(), Some(admin.clone()));
        let options = Options { cases: 400, ..Options::default() };
        let report = explore(&mut server, &plan, &options, &mut |_| {}).unwrap();
        let printed = text(&Subject { url: &url, admin: Some(&admin), plan: &plan, seed: 0 }, &report);
        assert!(report.held(), "{printed}");
        // No response carries events.
        let counts = |rule: &&Rule| **rule != Rule::Event && (profile == Profile::All || rule.is_documented());
        let missed: Vec<_> = Rule::ALL.iter().filter(counts).filter(|rule| !report.held.contains(rule)).collect();
        assert!(missed.is_empty(), "{profile:?}: {missed:?}\n{printed}");
    }
}

#[test]
fn sessions_that_are_there_are_enough() {
    let runtime = Runtime::new().unwrap();
    for profile in [Profile::All, Profile::Documented] {
        let full = Plan::full();
        let (url, admin) = serve(&runtime, &full);
        let session = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
        let mut call = Server::new(url.clone(), Some(admin));
        recording_testkit::transport::Transport::begin(&mut call, "ucc-open", session, (3, 1, 2)).unwrap();
        let plan = Arc::new(Plan { can_begin: false, slots: 1, profile, ..full });
        let mut server = Server::new(url.clone(), None);
        let options = Options { cases: 100, sessions: vec![session.into()], ..Options::default() };
        let report = explore(&mut server, &plan, &options, &mut |_| {}).unwrap();
        let printed = text(&Subject { url: &url, admin: None, plan: &plan, seed: 0 }, &report);
        assert!(report.held(), "{printed}");
    }
}
