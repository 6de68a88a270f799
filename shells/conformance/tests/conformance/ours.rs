//! Our own server holds every rule.

use core::net::SocketAddr;
use std::sync::Arc;

use recording_conformance::access::Endpoint;
use recording_conformance::address::Address;
use recording_conformance::http::Server;
use recording_conformance::hub::Hub;
use recording_conformance::report::{Subject, text};
use recording_core::Settings;
use recording_core::state::RepeatPolicy;
use recording_core::wire::{SipUriBuf, UccNameBuf};
use recording_server::directory::{Directory, Ucc};
use recording_server::net::Limits;
use recording_server::server::{Addresses, Protection, start_protected};
use recording_server::service::Service;
use recording_server::store::MemoryStore;
use recording_testkit::explore::{Options, explore};
use recording_testkit::plan::{Plan, Profile};
use recording_testkit::rules::Rule;
use tokio::runtime::Runtime;

/// Our server in this process, with the world of a plan: where the API is, and where its call control. It runs as long
/// as the runtime.
pub(crate) fn serve(runtime: &Runtime, plan: &Plan) -> (Endpoint, Endpoint) {
    let (api, admin) = serve_protected(runtime, plan, Protection::default());
    let endpoint = |address| Endpoint::from(Address::parse(&format!("http://{address}")).unwrap());
    (endpoint(api), endpoint(admin))
}

/// The same after a protection.
pub(crate) fn serve_protected(runtime: &Runtime, plan: &Plan, protection: Protection) -> (SocketAddr, SocketAddr) {
    let mut directory = Directory::new();
    for ucc in &plan.uccs {
        let Some(settings) = ucc.settings else { continue };
        let settings = Settings {
            recording_api_licensed: settings.licensed,
            use_audio_recording: settings.use_audio_recording,
            agent_can_edit_audio_recording: settings.agent_can_edit,
            save_recording_by_default: settings.save_by_default,
            repeats: if settings.repeats_accepted { RepeatPolicy::Accept } else { RepeatPolicy::Refuse },
        };
        let agent = SipUriBuf::new(&plan.agent).unwrap();
        directory.add(&UccNameBuf::new(&ucc.name).unwrap(), Ucc::new(settings, [agent])).unwrap();
    }
    let service = Arc::new(Service::new(directory, MemoryStore::new()));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let addresses = Addresses { api: any, admin: any };
    let running = runtime.block_on(start_protected(service, addresses, Limits::default(), protection)).unwrap();
    let addresses = running.addresses();
    // Stopping it is the runtime's end.
    core::mem::forget(running);
    (addresses.api, addresses.admin)
}

/// Where the hub of our server is, whose API is there.
pub(crate) fn hub_of(api: &Endpoint) -> Endpoint {
    let mut hub = api.clone();
    hub.address.prefix = "/attendantservice/hubs/recording".into();
    hub
}

#[test]
fn our_server_holds_every_rule() {
    let runtime = Runtime::new().unwrap();
    for profile in [Profile::All, Profile::Documented] {
        let plan = Arc::new(Plan { profile, ..Plan::full() });
        let (api, admin) = serve(&runtime, &plan);
        let hub = Hub::connect(&hub_of(&api)).unwrap();
        let mut server = Server::new(api.clone(), Some(admin.clone())).heard_by(hub);
        let options = Options { cases: 400, ..Options::default() };
        let report = explore(&mut server, &plan, &options, &mut |_| {}).unwrap();
        let printed = text(&Subject { api: &api, admin: Some(&admin), plan: &plan, seed: 0 }, &report);
        assert!(report.held(), "{printed}");
        let counts = |rule: &&Rule| profile == Profile::All || rule.is_documented();
        let missed: Vec<_> = Rule::ALL.iter().filter(counts).filter(|rule| !report.held.contains(rule)).collect();
        assert!(missed.is_empty(), "{profile:?}: {missed:?}\n{printed}");
    }
}

#[test]
fn sessions_that_are_there_are_enough() {
    let runtime = Runtime::new().unwrap();
    for profile in [Profile::All, Profile::Documented] {
        let full = Plan::full();
        let (api, admin) = serve(&runtime, &full);
        let session = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
        let mut call = Server::new(api.clone(), Some(admin));
        recording_testkit::transport::Transport::begin(&mut call, "ucc-open", session, (3, 1, 2)).unwrap();
        let plan = Arc::new(Plan { can_begin: false, slots: 1, profile, ..full });
        let mut server = Server::new(api.clone(), None);
        let options = Options { cases: 100, sessions: vec![session.into()], ..Options::default() };
        let report = explore(&mut server, &plan, &options, &mut |_| {}).unwrap();
        let printed = text(&Subject { api: &api, admin: None, plan: &plan, seed: 0 }, &report);
        assert!(report.held(), "{printed}");
    }
}
