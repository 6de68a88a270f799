//! As many clients at once as there are places, each with sessions of its own, each judged by the naive model.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, thread};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use recording_firmware::{Board, Serial};
use recording_testkit::drive::{self, Start};
use recording_testkit::http::{Request, Response};
use recording_testkit::judge::expected_event;
use recording_testkit::machine::sequences;
use recording_testkit::model::Model;
use recording_testkit::naive::{self, State};
use recording_testkit::plan::{Ids, Plan};
use recording_testkit::step::Step;
use recording_testkit::transport::Transport;

use crate::support::{Client, finish, listen, order, planned_world, start, state_text};

const REQUESTS: usize = 5_000;
const STEPS: usize = 40;

/// A client, and the line to the PBX that all of them share.
struct Way<'a> {
    client: Client,
    pbx: &'a Mutex<&'a mut Serial>,
}

impl Way<'_> {
    fn ask(&self, command: &str) -> String {
        self.pbx.lock().expect("nobody panicked").ask(command)
    }
}

/// The PBX's answers, in the form that the admin listener of the server gives, which the judge knows.
impl Transport for Way<'_> {
    type Error = String;

    fn send(&mut self, request: &Request) -> Result<Response, String> {
        Ok(self.client.exchange(request))
    }

    fn begin(&mut self, ucc: &str, id: &str, state: State) -> Result<Response, String> {
        let session = format!("{id} {} {ucc}", state_text(state));
        let answer = self.ask(&format!("begin {session}"));
        if answer != format!("begun {session}") {
            return Err(format!("{session}: {answer}"));
        }
        let facts = naive::World { ucc: Some(recording_testkit::plan::OPEN), is_agent: true, session: Some(state) };
        Ok(Response { status: 201, body: naive::state_reply(&facts, ucc, id).into_bytes(), ..Response::default() })
    }

    fn end(&mut self, ucc: &str, id: &str) -> Result<Response, String> {
        let answer = self.ask(&format!("end {id} {ucc}"));
        let fate = answer.split(' ').nth(3).filter(|_| answer.starts_with("ended ")).ok_or(answer.clone())?;
        Ok(Response { status: 200, body: format!(r#"{{"Disposition":"{fate}"}}"#).into_bytes(), ..Response::default() })
    }
}

/// What must have been published of each session, in order.
#[derive(Default)]
struct Told {
    events: BTreeMap<String, Vec<String>>,
    orders: BTreeMap<String, Vec<String>>,
    requests: usize,
}

/// One client's sequences.
fn one_client(mut way: Way<'_>, plan: &Arc<Plan>, seed: u64, number: u64, requests: usize) -> Told {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let mut told = Told::default();
    for run in 0.. {
        if told.requests >= requests {
            break;
        }
        let tree = sequences(plan, &BTreeMap::new(), STEPS / 2..=STEPS).new_tree(&mut runner).expect("a sequence");
        let (_, steps, _) = tree.current();
        let begin = Start { ids: Ids::of(seed, number << 24 | run, plan.slots), open: BTreeMap::new() };
        let run = drive::run(&mut way, plan, begin, &steps).expect("the board answers");
        assert!(
            run.divergence.is_none(),
            "seed {seed}, client {number}: {:?} after {:#?}",
            run.divergence,
            run.exchanges
        );
        note(&mut told, plan, &run);
    }
    told
}

/// What one sequence must have brought to listeners and recorders.
fn note(told: &mut Told, plan: &Arc<Plan>, run: &drive::Run) {
    let mut model = Model::new(Arc::clone(plan), BTreeMap::new());
    let ids = &run.start.ids;
    for exchange in &run.exchanges {
        told.requests += usize::from(exchange.request.is_some());
        let event = expected_event(&model, ids, &exchange.step);
        model.apply(&exchange.step);
        let (at, order) = match &exchange.step {
            Step::Begin { at, state } => (at, Some(order(*state))),
            Step::End { at } => (at, Some("off")),
            Step::Set { at, .. } => {
                let state = model.open.get(at).copied().flatten();
                (at, event.as_ref().and(state).map(order))
            }
            _ => continue,
        };
        let session = format!("{} {}", ids.get(at.slot), plan.ucc(at.ucc).name);
        if let Some(event) = event {
            told.events.entry(session.clone()).or_default().push(event);
        }
        if let Some(order) = order {
            told.orders.entry(session).or_default().push(order.to_owned());
        }
    }
    // What was still open is ended by the drive.
    for at in model.open.keys() {
        let session = format!("{} {}", ids.get(at.slot), plan.ucc(at.ucc).name);
        told.orders.entry(session).or_default().push("off".to_owned());
    }
}

fn many_at_once(board: Board) {
    let seed = env::var("SEED").map_or_else(
        |_| SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64,
        |seed| seed.parse().expect("SEED is a number"),
    );
    println!("SEED={seed} on {}", board.name());
    let plan = Arc::new(Plan::full());
    let mut emulator = start(board, &planned_world(&plan));
    assert_eq!(emulator.pbx.hear(), "boot");
    let heard = listen(&emulator);
    let clients = board.connections();
    let (api, pbx) = (emulator.api, Mutex::new(&mut emulator.pbx));
    let told: Vec<Told> = thread::scope(|scope| {
        let one = |number: u64| {
            let (pbx, plan) = (&pbx, &plan);
            scope.spawn(move || {
                let way = Way { client: Client::connect(api), pbx };
                one_client(way, plan, seed, number, REQUESTS.div_ceil(clients))
            })
        };
        let running: Vec<_> = (0..clients as u64).map(one).collect();
        running.into_iter().map(|client| client.join().expect("a client's sequences")).collect()
    });

    // Who listens hears all of it, and of each session in order; so do the recorders.
    let events: usize = told.iter().flat_map(|told| told.events.values()).map(Vec::len).sum();
    let orders: usize = told.iter().flat_map(|told| told.orders.values()).map(Vec::len).sum();
    while heard.len() < events + 1 {
        heard.wait(heard.len(), |_| true).expect("every event is heard");
    }
    let mut orders_told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    assert_eq!(emulator.recorder.hear(), "off *");
    for _ in 0..orders {
        let line = emulator.recorder.hear();
        let (order, session) = line.split_once(' ').expect("an order and a session");
        orders_told.entry(session.to_owned()).or_default().push(order.to_owned());
    }
    let mut events_told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in &heard.all()[1..] {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let session = format!(
            "{} {}",
            event["CorrelationId"].as_str().expect("a string"),
            event["UccName"].as_str().expect("a string")
        );
        events_told.entry(session).or_default().push(line.clone());
    }
    let all = |part: fn(&Told) -> &BTreeMap<String, Vec<String>>| -> BTreeMap<_, _> {
        told.iter().flat_map(|told| part(told).clone()).collect()
    };
    assert_eq!(events_told, all(|told| &told.events), "SEED={seed}");
    assert_eq!(orders_told, all(|told| &told.orders), "SEED={seed}");
    let requests: usize = told.iter().map(|told| told.requests).sum();
    assert!(requests >= REQUESTS);
    println!(
        "{requests} requests of {clients} clients at once, {events} events and {orders} orders on {}",
        board.name()
    );
    finish(emulator, "clients");
}

#[test]
fn four_clients_at_once_on_lm3s6965evb() {
    many_at_once(Board::Lm3s6965evb);
}

#[test]
fn eight_clients_at_once_on_mps2_an386() {
    many_at_once(Board::Mps2An386);
}
