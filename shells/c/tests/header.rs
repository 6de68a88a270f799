//! What the header says in its own words is what the core says.

use recording_core::Event;
use recording_core::wire::{CACHE_CONTROL, CONTENT_TYPE, Rejection};

const HEADER: &str = include_str!("../include/recording_core.h");

#[test]
fn texts_of_the_header() {
    for (name, text) in
        [("RC_CONTENT_TYPE", CONTENT_TYPE), ("RC_CACHE_CONTROL", CACHE_CONTROL), ("RC_EVENT_NAME", Event::NAME)]
    {
        let line = format!("#define {name} \"{text}\"\n");
        assert_eq!(HEADER.matches(&line).count(), 1, "{line}");
    }
}

/// Every function says what it must say.
#[test]
fn every_function_has_its_contract() {
    let mut functions = 0;
    let pieces: Vec<&str> = HEADER.split("\n\n").collect();
    for piece in pieces {
        let (comment, declaration): (Vec<&str>, Vec<&str>) = piece.lines().partition(|line| line.starts_with("//"));
        let (comment, declaration) = (comment.join(" ").replace("// ", ""), declaration.join(" "));
        if !declaration.contains("(") || !declaration.trim_end().ends_with(");") || declaration.contains('{') {
            continue;
        }
        functions += 1;
        assert!(comment.contains("Threads: "), "{piece}");
        // One that has pointers says which may be null; one that answers a status, what a failure leaves.
        if declaration.contains('*') && declaration.split('(').nth(1).is_some_and(|rest| rest.contains('*')) {
            assert!(comment.contains("null"), "{piece}");
            assert!(comment.contains("# Safety"), "{piece}");
        }
        if declaration.starts_with("rc_status ") {
            assert!(comment.contains("ailure"), "{piece}");
        }
    }
    assert!(functions > 40, "{functions}");
}

/// The body of every rejection finds room in an exchange: see `Inner::reject`.
#[test]
fn exchanges_have_room_for_every_rejection() {
    use recording_core::wire::json::{JsonError, JsonErrorKind, Kind, Token};
    use recording_core::wire::{Allow, ErrorReply, Expected, Field, FieldErrorKind};
    let kinds = [
        JsonErrorKind::Expected(Token::CommaOrBracket),
        JsonErrorKind::Expected(Token::CommaOrBrace),
        JsonErrorKind::Expected(Token::EndOfString),
        JsonErrorKind::ControlCharacter,
        JsonErrorKind::LoneSurrogate,
        JsonErrorKind::TooDeep,
        JsonErrorKind::ByteOrderMark,
    ];
    let of_json = kinds.map(|kind| Rejection::from(JsonError { kind, at: usize::MAX }));
    let fields = [Field::RequesterSipUri, Field::CorrelationId, Field::AgentCanEditRecordings, Field::UccName];
    let faults = [
        FieldErrorKind::WrongType { expected: Expected::Action, got: Kind::Boolean },
        FieldErrorKind::WrongType { expected: Expected::ObjectOrNull, got: Kind::Boolean },
        FieldErrorKind::NotOneOf { expected: Expected::Action },
        FieldErrorKind::NoUserAtHost,
        FieldErrorKind::TooLong { max: u32::MAX },
        FieldErrorKind::PercentCode,
    ];
    let fixed = [
        Rejection::UnknownPath,
        Rejection::MethodNotAllowed { allow: Allow::GetHead },
        Rejection::UnsupportedMediaType,
        Rejection::BodyTooLarge,
        Rejection::Unauthorized,
        Rejection::Forbidden,
        Rejection::TooManyRequests,
        Rejection::NotStored,
    ];
    let of_fields = fields.into_iter().flat_map(|field| faults.map(|fault| Rejection::from(fault.of(field))));
    let mut longest = 0;
    for rejection in fixed.into_iter().chain(of_fields).chain(of_json) {
        let mut room = [0; 64 + 255];
        longest = longest.max(ErrorReply::from(rejection).write(&mut room).expect("room").len());
    }
    println!("the longest body of a rejection: {longest} bytes, of 319");
}
