//! Writes the transition table and the state diagram of the docs, computed from the transition itself.
//!
//! `cargo run --example tables` rewrites `docs/transitions.md`, `docs/states.svg` and the table of the axes in the
//! README; a test fails when one of them is stale.

use core::fmt::Write as _;
use std::path::Path;

use recording_core::state::{MarkingState, Outcome, RecordingState, SavingState};
use recording_core::{Action, State};

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::write(root.join("docs/transitions.md"), table())?;
    std::fs::write(root.join("docs/states.svg"), diagram())?;
    let readme = root.join("README.md");
    let text = std::fs::read_to_string(&readme)?;
    std::fs::write(readme, with_axes(&text).expect("the README has its two table marks"))
}

const BEGIN: &str = "<!-- transitions: written by `cargo run --example tables` -->\n";
const END: &str = "<!-- end of transitions -->\n";

/// The README with the table of the axes as it is now; `None` if the README has no place for it.
pub(crate) fn with_axes(readme: &str) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some([before, BEGIN, &axes_table(), END, after].concat())
}

/// One axis: its states by name, and what an action does to it.
struct Axis {
    title: &'static str,
    states: Vec<(&'static str, State)>,
    actions: &'static [Action],
    name: fn(State) -> &'static str,
}

fn axes() -> [Axis; 3] {
    let recordings = RecordingState::ALL.iter().map(|&axis| (axis.name(), State::INITIAL.with_recording(axis)));
    let markings = MarkingState::ALL.iter().map(|&axis| (axis.name(), State::INITIAL.with_marking(axis)));
    let savings = SavingState::ALL.iter().map(|&axis| (axis.name(), State::INITIAL.with_saving(axis)));
    [
        Axis {
            title: "Recording",
            states: recordings.collect(),
            actions: &[Action::Start, Action::Stop, Action::Pause],
            name: |state| state.recording().name(),
        },
        Axis {
            title: "Marking",
            states: markings.collect(),
            actions: &[Action::Mark, Action::UnMark],
            name: |state| state.marking().name(),
        },
        Axis {
            title: "Saving",
            states: savings.collect(),
            actions: &[Action::Save, Action::Delete],
            name: |state| state.saving().name(),
        },
    ]
}

/// The states and actions of each axis, as Markdown.
fn axes_table() -> String {
    let mut text = String::from("| axis | states | actions |\n|---|---|---|\n");
    for Axis { title, states, actions, .. } in axes() {
        let states: Vec<_> = states.iter().map(|&(name, _)| name).collect();
        let actions: Vec<_> = actions.iter().map(|action| action.name()).collect();
        writeln!(text, "| {title} | {} | {} |", states.join(", "), actions.join(", ")).expect("a string");
    }
    text
}

/// The table as Markdown: per axis, since an action never touches another one.
pub(crate) fn table() -> String {
    let (mut changed, mut unchanged, mut refused) = (0, 0, 0);
    for state in State::ALL {
        for &action in Action::ALL {
            match state.apply(action) {
                Outcome::Changed { .. } => changed += 1,
                Outcome::Unchanged { .. } => unchanged += 1,
                Outcome::Refused { .. } => refused += 1,
            }
        }
    }
    let mut text = format!(
        "{} states x {} actions = {} cells: {changed} changed, {unchanged} unchanged, {refused} refused.\n",
        State::ALL.len(),
        Action::ALL.len(),
        changed + unchanged + refused,
    );
    for axis in axes() {
        let names: Vec<_> = axis.actions.iter().map(|action| action.name()).collect();
        let rule = "---|".repeat(names.len() + 1);
        write!(text, "\n| {} | {} |\n|{rule}\n", axis.title, names.join(" | ")).expect("a string");
        for &(name, state) in &axis.states {
            let cells: Vec<_> = axis
                .actions
                .iter()
                .map(|&action| match state.apply(action) {
                    Outcome::Changed { to, .. } => (axis.name)(to),
                    Outcome::Unchanged { .. } => "unchanged",
                    Outcome::Refused { .. } => "refused",
                })
                .collect();
            writeln!(text, "| {name} | {} |", cells.join(" | ")).expect("a string");
        }
    }
    text
}

const STYLE: &str = "<style>\
    .states text { font: 14px sans-serif; fill: #1c2733; text-anchor: middle }\
    .states .title { font-weight: bold; text-anchor: start }\
    .states .action { font-size: 13px; fill: #0b4f8a }\
    .states .refused { font-size: 12px; fill: #a11d1d }\
    .states rect.state { fill: #fff; stroke: #1c2733; stroke-width: 1.5 }\
    .states path { fill: none; stroke: #0b4f8a; stroke-width: 1.5 }\
    .states path.unchanged { stroke-dasharray: 4 3 }\
    .states .head { fill: #0b4f8a; stroke: none }</style>";

/// The diagram as SVG: an arrow for each change, a dashed loop where nothing changes, in red what is refused.
pub(crate) fn diagram() -> String {
    let mut svg = String::from(
        "<svg class=\"states\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 630\" role=\"img\" \
         aria-label=\"State diagram of the three axes\" style=\"max-width: 860px\">",
    );
    svg.push_str(STYLE);
    svg.push_str("<rect width=\"860\" height=\"630\" rx=\"8\" fill=\"#f6f8fa\"/>");
    let places: [&[(f64, f64)]; 3] = [
        &[(130., 180.), (430., 180.), (730., 285.), (730., 85.)],
        &[(80., 500.), (330., 440.), (330., 560.)],
        &[(510., 500.), (760., 440.), (760., 560.)],
    ];
    let titles = [(20., 32.), (20., 385.), (450., 385.)];
    for ((axis, places), (x, y)) in axes().iter().zip(places).zip(titles) {
        write!(svg, "<text class=\"title\" x=\"{x}\" y=\"{y}\">{}</text>", axis.title).expect("a string");
        draw(&mut svg, axis, places);
    }
    svg.push_str("</svg>\n");
    svg
}

const HALF_WIDTH: f64 = 58.;
const HALF_HEIGHT: f64 = 18.;

fn draw(svg: &mut String, axis: &Axis, places: &[(f64, f64)]) {
    let place = |name| places[axis.states.iter().position(|&(other, _)| other == name).expect("a state")];
    let lowest = places.iter().fold(0., |lowest, &(_, y)| y.max(lowest));
    for (&(name, state), &(x, y)) in axis.states.iter().zip(places) {
        // Loops lie where no arrow does: under the lowest box, above the others.
        let side = if y == lowest { 1. } else { -1. };
        let mut refused = Vec::new();
        for &action in axis.actions {
            match state.apply(action) {
                Outcome::Changed { to, .. } => arrow(svg, (x, y), place((axis.name)(to)), action),
                Outcome::Unchanged { .. } => unchanged(svg, (x, y), side, action),
                Outcome::Refused { .. } => refused.push(action.name()),
            }
        }
        write!(
            svg,
            "<rect class=\"state\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"9\"/>\
             <text x=\"{x}\" y=\"{}\">{name}</text>",
            x - HALF_WIDTH,
            y - HALF_HEIGHT,
            2. * HALF_WIDTH,
            2. * HALF_HEIGHT,
            y + 5.,
        )
        .expect("a string");
        if !refused.is_empty() {
            let refused = refused.join(", ");
            write!(
                svg,
                "<text class=\"refused\" x=\"{x}\" y=\"{}\">refuses {refused}</text>",
                y + 35. + 20. * (side + 1.)
            )
            .expect("a string");
        }
    }
}

/// An arrow that bends to its own left, so that two that go both ways lie apart.
fn arrow(svg: &mut String, from: (f64, f64), to: (f64, f64), action: Action) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    let (left_x, left_y) = (dy / length, -dx / length);
    let bend = 34.;
    let middle = ((from.0 + to.0) / 2. + left_x * bend, (from.1 + to.1) / 2. + left_y * bend);
    let start = edge(from, middle);
    let end = edge(to, middle);
    let (hx, hy) = (end.0 - middle.0, end.1 - middle.1);
    let h = hx.hypot(hy);
    let (ux, uy) = (hx / h, hy / h);
    let label = (
        (start.0 + end.0) / 4. + middle.0 / 2. + left_x * (10. + 22. * left_x.abs()),
        (start.1 + end.1) / 4. + middle.1 / 2. + left_y * 12.,
    );
    write!(
        svg,
        "<path d=\"M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}\"/>\
         <polygon class=\"head\" points=\"{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}\"/>\
         <text class=\"action\" x=\"{:.1}\" y=\"{:.1}\">{action}</text>",
        start.0,
        start.1,
        middle.0,
        middle.1,
        end.0,
        end.1,
        end.0,
        end.1,
        end.0 - ux * 10. + uy * 4.5,
        end.1 - uy * 10. - ux * 4.5,
        end.0 - ux * 10. - uy * 4.5,
        end.1 - uy * 10. + ux * 4.5,
        label.0,
        label.1 + 4.,
    )
    .expect("a string");
}

/// Where the line from a box's middle towards `towards` leaves the box.
fn edge(middle: (f64, f64), towards: (f64, f64)) -> (f64, f64) {
    let (dx, dy) = (towards.0 - middle.0, towards.1 - middle.1);
    let scale = (HALF_WIDTH / dx.abs()).min(HALF_HEIGHT / dy.abs());
    (middle.0 + dx * scale, middle.1 + dy * scale)
}

/// A loop at the upper (-1) or lower (1) side of the box.
fn unchanged(svg: &mut String, (x, y): (f64, f64), side: f64, action: Action) {
    let line = y + side * HALF_HEIGHT;
    let far = line + side * 32.;
    write!(
        svg,
        "<path class=\"unchanged\" d=\"M{:.1} {line:.1}C{:.1} {far:.1} {:.1} {far:.1} {:.1} {line:.1}\"/>\
         <text class=\"action\" x=\"{}\" y=\"{:.1}\">{action}</text>",
        x - 14.,
        x - 30.,
        x + 30.,
        x + 14.,
        x,
        line + side * 33.5 + 4.5,
    )
    .expect("a string");
}
