//! What a SIP URI shows of whom it names: not the password that it may have (`sip:user:password@host`), which no log and no
//! trail is to keep. Replies say what the protocol has them say.

use std::borrow::Cow;

/// The URI with `***` for a password.
pub(crate) fn masked(uri: &str) -> Cow<'_, str> {
    let password = || {
        let (before, host) = uri.rsplit_once('@')?;
        let (scheme, user) = before.split_once(':')?;
        let (name, _password) = user.split_once(':')?;
        Some(format!("{scheme}:{name}:***@{host}"))
    };
    password().map_or(Cow::Borrowed(uri), Cow::Owned)
}

/// A text that may name a URI, which is then masked there as well.
pub(crate) fn masked_in<'a>(text: &'a str, uri: &str) -> Cow<'a, str> {
    match masked(uri) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(masked) => Cow::Owned(text.replace(uri, &masked)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_and_nothing_else() {
        for (uri, shown) in [
            ("sip:agent:secret@domain.com", "sip:agent:***@domain.com"),
            ("SIPS:agent:se:cr:et@domain.com:5061;x=y", "SIPS:agent:***@domain.com:5061;x=y"),
            ("sip:agent:@domain.com", "sip:agent:***@domain.com"),
            ("sip::secret@domain.com", "sip::***@domain.com"),
            ("sip:agent@domain.com:5060", "sip:agent@domain.com:5060"),
            ("sip:agent@domain.com", "sip:agent@domain.com"),
        ] {
            assert_eq!(masked(uri), shown);
            assert_eq!(masked_in(&format!("'{uri}' is none"), uri), format!("'{shown}' is none"));
        }
    }
}
