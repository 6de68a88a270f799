//! Requests that must not be understood, each wrong in one point: were that point overlooked, a session would change or
//! be shown.

use crate::http::Request;
use crate::naive::json_string;
use crate::render::{PREFIX, body, read};
use crate::rules::Rule;

/// The sound request that is spoilt.
#[derive(Debug, Clone, Copy)]
pub struct Victim<'a> {
    /// The UCC.
    pub ucc: &'a str,
    /// The id of the session.
    pub id: &'a str,
    /// An agent.
    pub agent: &'a str,
    /// The action, by its id.
    pub action: u8,
}

/// A kind of wrong request.
#[derive(Debug, Clone, Copy)]
pub struct Wrong {
    /// What is wrong.
    pub name: &'static str,
    /// The rule that refuses it.
    pub rule: Rule,
    /// The status that refuses it.
    pub status: u16,
    /// What `Allow` must say.
    pub allow: Option<&'static str>,
    /// Spoils a request.
    pub make: fn(&Victim<'_>) -> Request,
}

impl Wrong {
    /// Whether no reader of any JSON can make sense of it: whatever else is chosen here, such a request cannot be
    /// understood. All other kinds a lenient server may well take.
    #[must_use]
    pub fn is_senseless(&self) -> bool {
        matches!(self.name, "no body" | "a body cut off")
    }
}

impl Victim<'_> {
    fn post(body: Vec<u8>) -> Request {
        Request::post(format!("{PREFIX}set").into_bytes(), body)
    }

    fn set(&self) -> Request {
        Self::post(self.body())
    }

    fn body(&self) -> Vec<u8> {
        body(&self.action.to_string(), self.agent, self.id, &json_string(self.ucc))
    }

    /// The sound body with `from` replaced once.
    fn edited(&self, from: &str, to: &str) -> Request {
        let text = String::from_utf8_lossy(&self.body()).into_owned();
        Self::post(text.replacen(from, to, 1).into_bytes())
    }

    fn with_action(&self, action: &str) -> Request {
        Self::post(body(action, self.agent, self.id, &json_string(self.ucc)))
    }

    fn with(&self, requester: &str, id: &str, ucc: &str) -> Request {
        Self::post(body(&self.action.to_string(), requester, id, &json_string(ucc)))
    }

    /// The sound body with one more member, as it is.
    fn and(&self, member: &str) -> Request {
        self.edited("{", &format!("{{{member},"))
    }

    fn target(&self, edit: impl FnOnce(String) -> String) -> Request {
        let target = String::from_utf8_lossy(&read(self.ucc, self.id).target).into_owned();
        Request::get(edit(target).into_bytes())
    }
}

fn nested(deep: usize) -> String {
    format!(r#""x":{}{}"#, "[".repeat(deep), "]".repeat(deep))
}

macro_rules! wrong {
    ($( $status:literal $rule:ident $name:literal $make:expr ;)+) => {
        &[$( Wrong { name: $name, rule: Rule::$rule, status: $status, allow: None, make: $make } ),+]
    };
}

/// All kinds.
pub const WRONG: &[Wrong] = {
    const OTHERS: &[Wrong] = wrong! {
        404 UnknownPath "no call" |_| Request::get(PREFIX.into());
        404 UnknownPath "another root" |v| v.target(|t| t.replace("attendantservice", "Attendantservice"));
        404 UnknownPath "another version" |v| v.target(|t| t.replace("/recording/", "/v3/recording/"));
        404 UnknownPath "an empty part" |v| v.target(|t| t.replace("/recording/", "/recording//"));
        404 UnknownPath "a slash too many" |v| v.target(|t| t + "/");
        404 UnknownPath "a fixed part in percent codes" |v| v.target(|t| t.replace("recording", "%72ecording"));
        415 WrongType "no content type" |v| Request { content_type: None, ..v.set() };
        415 WrongType "a form" |v| Request { content_type: Some("application/x-www-form-urlencoded"), ..v.set() };
        415 WrongType "a type that ends in +json" |v| Request { content_type: Some("application/problem+json"), ..v.set() };
        413 TooLarge "2049 bytes" |v| {
            let mut body = v.body();
            body.resize(2049, b' ');
            Victim::post(body)
        };
        400 BadPath "an id of 31 digits" |v| v.target(|t| t[..t.len() - 1].to_owned());
        400 BadPath "an id as a URN" |v| v.target(|t| t.replace(v.id, &format!("urn:uuid:{}", v.id)));
        400 BadPath "half a percent code" |v| v.target(|t| t.replace(v.id, &format!("{}%2", v.id)));
        400 BadPath "a name that is no UTF-8" |v| v.target(|t| t.replace("/recording/", "/recording/%ff"));
        400 BadPath "a slash in a name" |v| v.target(|t| t.replace("/recording/", "/recording/%2F"));
        400 BadPath "a control character in a name" |v| v.target(|t| t.replace("/recording/", "/recording/%00"));
        400 BadPath "a name of 65 bytes" |v| Request::get(format!("{PREFIX}{}/{}", "a".repeat(65), v.id).into_bytes());
        400 BadJson "no body" |_| Victim::post(Vec::new());
        400 BadJson "a body cut off" |v| {
            let mut body = v.body();
            body.pop();
            Victim::post(body)
        };
        400 BadJson "text behind" |v| { let mut r = v.set(); r.body.push(b'x'); r };
        400 BadJson "a byte order mark" |v| Victim::post([b"\xef\xbb\xbf".as_slice(), &v.body()].concat());
        400 BadJson "a comma too many" |v| v.and(r#""x":[1,]"#);
        400 BadJson "a number that begins with 0" |v| v.and(r#""x":01"#);
        400 BadJson "a control character in a skipped string" |v| v.and("\"x\":\"\t\"");
        400 BadJson "a lone surrogate in a skipped string" |v| v.and(r#""x":"\ud800""#);
        400 BadJson "a comment" |v| v.edited("{", "{/**/");
        400 BadJson "single quotes" |v| v.and("'x':1");
        400 BadJson "bytes that are no UTF-8" |v| {
            let at = v.body().len() - 1;
            let mut body = v.body();
            body.splice(at..at, *b",\"x\":\"\xff\"");
            Victim::post(body)
        };
        400 BadJson "an array around" |v| Victim::post([b"[".as_slice(), &v.body(), b"]"].concat());
        400 BadAction "action 0" |v| v.with_action("0");
        400 BadAction "action 8" |v| v.with_action("8");
        400 BadAction "action -1" |v| v.with_action("-1");
        400 BadAction "an action with a fraction" |v| v.with_action(&format!("{}.0", v.action));
        400 BadAction "an action with an exponent" |v| v.with_action(&format!("{}e0", v.action));
        400 BadAction "an id of an action as text" |v| v.with_action(&format!("\"{}\"", v.action));
        400 BadAction "true" |v| v.with_action("true");
        400 BadAction "null" |v| v.with_action("null");
        400 BadAction "Resume" |v| v.with_action("\"Resume\"");
        400 BadField "a requester without a scheme" |v| v.with("agent@domain.com", v.id, v.ucc);
        400 BadField "a requester with white space" |v| v.with(&format!("{} ", v.agent), v.id, v.ucc);
        400 BadField "a requester with two @" |v| v.with(&format!("{}@x", v.agent), v.id, v.ucc);
        400 BadField "an id with white space" |v| v.with(v.agent, &format!(" {}", v.id), v.ucc);
        400 BadField "an id in parentheses" |v| v.with(v.agent, &format!("({})", v.id), v.ucc);
        400 BadField "an empty UCCName" |v| v.with(v.agent, v.id, "");
        400 BadField "a UCCName of 65 bytes" |v| v.with(v.agent, v.id, &"a".repeat(65));
        400 BadField "a control character in UCCName" |v| v.with(v.agent, v.id, &format!("{}\u{85}", v.ucc));
        400 BadField "a UCCName that is a list" |v| v.edited(&json_string(v.ucc), &format!("[{}]", json_string(v.ucc)));
        400 KeyTwice "Action twice" |v| v.and(&format!("\"Action\":{}", v.action));
        400 KeyTwice "a key twice in another case" |v| v.and(&format!("\"uccname\":{}", json_string(v.ucc)));
        400 KeyMissing "no Action" |v| v.edited("\"Action\"", "\"Akction\"");
        400 KeyMissing "no RequesterSipUri" |v| v.edited("\"RequesterSipUri\"", "\"Requester\"");
        400 KeyMissing "no CorrelationId" |v| v.edited("\"CorrelationId\"", "\"Id\"");
        400 KeyMissing "no UCCName" |v| v.edited("\"UCCName\"", "\"UCC\"");
        400 TooDeep "17 deep" |v| v.and(&nested(16));
        400 TooDeep "deeper than stacks" |v| v.and(&nested(900));
    };
    &{
        const METHODS: [Wrong; 4] = [
            method("POST to a state", "GET, HEAD", |v| Request { method: "POST", ..read(v.ucc, v.id) }),
            method("DELETE of a state", "GET, HEAD", |v| Request { method: "DELETE", ..read(v.ucc, v.id) }),
            method("PUT to set", "POST", |v| Request { method: "PUT", ..v.set() }),
            method("GET of set", "POST", |_| Request::get(format!("{PREFIX}set").into_bytes())),
        ];
        let mut all = [METHODS[0]; 4 + OTHERS.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = if at < OTHERS.len() { OTHERS[at] } else { METHODS[at - OTHERS.len()] };
            at += 1;
        }
        all
    }
};

const fn method(name: &'static str, allow: &'static str, make: fn(&Victim<'_>) -> Request) -> Wrong {
    Wrong { name, rule: Rule::WrongMethod, status: 405, allow: Some(allow), make }
}
