//! The sections of a PEM file, each of them: RFC 7468 has every BEGIN and END on a line of its own.
//!
//! Readers of PEM skip what they do not know, as text may stand between sections. So a mark that is not quite one makes a
//! certificate text, and it is lost without a word. Here nothing that looks like a mark is text.

/// What stands between a BEGIN and its END.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section<'a> {
    /// What it says that it is.
    pub(super) label: &'a str,
    /// Where it begins, counted from 1.
    pub(super) line: usize,
    /// Whether its own header says that it is encrypted.
    is_encrypted: bool,
}

/// What is wrong, and on which line.
pub(super) type Fault = (usize, String);

/// A mark: whether it begins a section, and which.
type Mark<'a> = (bool, &'a str);

/// The label of a certificate.
pub(super) const CERTIFICATE: &str = "CERTIFICATE";

/// As long as this, letters and digits alone are no text.
const LONG: usize = 48;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the sections of a file.
pub(super) fn sections(bytes: &[u8]) -> Result<Vec<Section<'_>>, Fault> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err((1, "is UTF-16; PEM is ASCII".into()));
    }
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut is_open = false;
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let line = line.trim_ascii_end();
        let last = sections.last_mut();
        match (mark(line), last) {
            (Some((true, _)), Some(open)) if is_open => {
                return Err((number, format!("a section begins, and that of line {} has not ended", open.line)));
            }
            (Some((true, label)), _) => {
                sections.push(Section { label, line: number, is_encrypted: false });
                is_open = true;
            }
            (Some((false, label)), Some(open)) if is_open && open.label == label => is_open = false,
            (Some((false, label)), _) => return Err((number, format!("the end of a '{label}' that did not begin"))),
            (None, _) if looks_like_a_mark(line) => return Err((number, not_a_mark(line).into())),
            (None, Some(open)) if is_open => {
                open.is_encrypted |= line.starts_with(b"Proc-Type:") && has(line, b"ENCRYPTED");
            }
            (None, _)
                if line.len() >= LONG
                    && line.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) =>
            {
                return Err((number, "base64 outside of a section: is its BEGIN line lost?".into()));
            }
            (None, _) => {}
        }
    }
    match sections.last() {
        Some(open) if is_open => Err((open.line, "a section does not end".into())),
        _ => Ok(sections),
    }
}

/// What a line is if it is a mark to the letter.
fn mark(line: &[u8]) -> Option<Mark<'_>> {
    let line = core::str::from_utf8(line).ok()?.strip_prefix("-----")?.strip_suffix("-----")?;
    let (begins, label) = match line.split_once(' ')? {
        ("BEGIN", label) => (true, label),
        ("END", label) => (false, label),
        _ => return None,
    };
    let sound = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
    (!label.is_empty() && label.bytes().all(sound)).then_some((begins, label))
}

/// Whether somebody may have meant it as a mark. Base64 has no dashes.
fn looks_like_a_mark(line: &[u8]) -> bool {
    let line = line.to_ascii_uppercase();
    let names = [&b"CERTIFICATE"[..], b" KEY", b"PARAMETERS"];
    let is_named = |part: &[u8]| names.iter().any(|name| has(part, name));
    let words = line.split(|byte| !byte.is_ascii_alphanumeric());
    let has_word = words.clone().any(|word| matches!(word, b"BEGIN" | b"END"));
    let dashes = has(&line, b"--");
    // Without the dashes, or with those that a text program makes of them.
    let mut parts = line.split(|&byte| byte == b' ');
    let begins = parts.any(|part| part.ends_with(b"BEGIN") || part.ends_with(b"END"));
    (dashes && (has_word || is_named(&line)))
        || (has_word && begins && is_named(&parts.collect::<Vec<_>>().join(&b' ')))
}

fn not_a_mark(line: &[u8]) -> &'static str {
    match line.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) if mark(rest).is_some() => "begins with a byte order mark; PEM has none",
        _ => {
            "is not quite a BEGIN or END line of PEM: each has its own line, five dashes on either side, and nothing else"
        }
    }
}

fn has(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

/// What may stand in a file with certificates or keys, besides what is looked for.
const KNOWN: [&str; 9] = [
    CERTIFICATE,
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "EC PARAMETERS",
    "DH PARAMETERS",
];

const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];

/// That every section is one that is understood.
fn all_known(sections: &[Section<'_>]) -> Result<(), Fault> {
    let Some(Section { label, line, .. }) = sections.iter().find(|section| !KNOWN.contains(&section.label)) else {
        return Ok(());
    };
    let what = if label.ends_with("CERTIFICATE") {
        "`openssl x509` makes a 'CERTIFICATE' of it"
    } else {
        "only certificates and keys belong here"
    };
    Err((*line, format!("a section of '{label}' is not understood: {what}")))
}

/// How many certificates a file of a chain holds; at least one.
pub(super) fn certificates(sections: &[Section<'_>]) -> Result<usize, String> {
    all_known(sections).map_err(|(line, reason)| format!("{line}: {reason}"))?;
    match sections.iter().filter(|section| section.label == CERTIFICATE).count() {
        0 if sections.iter().any(|section| section.label.ends_with("PRIVATE KEY")) => {
            Err(" holds a private key and no certificate: are certificate and key exchanged?".into())
        }
        0 => Err(" no certificate in PEM: there is none".into()),
        number => Ok(number),
    }
}

/// That a file holds one private key that can be read.
pub(super) fn one_key(sections: &[Section<'_>]) -> Result<(), String> {
    if let Some(Section { line, .. }) =
        sections.iter().find(|section| section.is_encrypted || section.label == "ENCRYPTED PRIVATE KEY")
    {
        return Err(format!(
            "{line}: the private key is encrypted, and nobody is asked for its passphrase: write it without one, as by `openssl pkey`"
        ));
    }
    all_known(sections).map_err(|(line, reason)| format!("{line}: {reason}"))?;
    match sections.iter().filter(|section| KEYS.contains(&section.label)).count() {
        1 => Ok(()),
        0 if sections.iter().any(|section| section.label == CERTIFICATE) => {
            Err(" holds a certificate and no private key: are certificate and key exchanged?".into())
        }
        0 => Err(" no private key in PEM: there is none".into()),
        number => Err(format!(" holds {number} private keys: which one is meant?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nTWFueQ==\n-----END CERTIFICATE-----\n";

    fn labels(text: &str) -> Result<Vec<&str>, usize> {
        let sections = sections(text.as_bytes()).map_err(|(line, _)| line)?;
        Ok(sections.iter().map(|section| section.label).collect())
    }

    #[test]
    fn text_may_stand_between_sections() {
        let text = format!(
            "subject=CN = Key End Co. -\n# the server's\n\n{ONE}Bag Attributes\n    localKeyID: 54 69\n=====\n-----\n{ONE}"
        );
        assert_eq!(labels(&text), Ok(vec!["CERTIFICATE"; 2]));
        assert_eq!(labels(&ONE.replace('\n', "\r\n")), Ok(vec!["CERTIFICATE"]));
        assert_eq!(labels(&ONE.replace("-----\n", "----- \t\n")), Ok(vec!["CERTIFICATE"]));
        assert_eq!(labels(ONE.trim_end()), Ok(vec!["CERTIFICATE"]));
        assert_eq!(labels(""), Ok(vec![]));
    }

    /// Whatever one byte is added, lost or changed in a mark: it is reported, or the section is there all the same.
    #[test]
    fn no_damage_to_a_mark_goes_unseen() {
        let whole = format!("{ONE}{ONE}");
        let second = ONE.len();
        let marks: Vec<usize> = (second..whole.len()).filter(|at| !whole[*at..].starts_with("TWFueQ==")).collect();
        let mut unseen = Vec::new();
        let mut check = |damaged: Vec<u8>| {
            let found = sections(&damaged);
            if found
                .as_ref()
                .is_ok_and(|found| found.iter().filter(|section| section.label == "CERTIFICATE").count() != 2)
                && found.is_ok_and(|found| certificates(&found).is_ok())
            {
                unseen.push(String::from_utf8_lossy(&damaged).into_owned());
            }
        };
        for &at in &marks {
            let mut shorter = whole.clone().into_bytes();
            shorter.remove(at);
            check(shorter);
            for byte in [b' ', b'-', b'x', b'X', b'\n', b'\r', b'\t', 0, 0xef] {
                let mut other = whole.clone().into_bytes();
                other[at] = byte;
                check(other);
                let mut longer = whole.clone().into_bytes();
                longer.insert(at, byte);
                check(longer);
            }
        }
        assert_eq!(unseen, Vec::<String>::new());
    }

    #[test]
    fn what_is_not_quite_a_mark_is_told() {
        let joined = format!("{}{ONE}", ONE.trim_end());
        assert_eq!(labels(&joined), Err(3));
        for (from, to) in [
            ("-----BEGIN", " -----BEGIN"),
            ("-----BEGIN", "\u{feff}-----BEGIN"),
            ("-----BEGIN", "----BEGIN"),
            ("-----BEGIN", "------BEGIN"),
            ("-----BEGIN", "my certificate: -----BEGIN"),
            ("-----BEGIN", "\u{2014}\u{2014}BEGIN"),
            ("-----BEGIN", "BEGIN"),
            ("-----BEGIN CERTIFICATE", "-----begin certificate"),
            ("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE----"),
            ("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE-----x"),
            ("BEGIN CERTIFICATE", "BEGN CERTIFICATE"),
            ("BEGIN CERTIFICATE", "BEGIN  CERTIFICATE"),
        ] {
            let text = format!("{ONE}{}", ONE.replace(from, to));
            // With two spaces it is a section of another name, which its end does not end.
            assert_eq!(labels(&text), Err(if to.contains("  ") { 6 } else { 4 }), "{to:?}");
        }
        assert_eq!(labels(&format!("{ONE}{}", ONE.replace("-----END", "----END"))), Err(6));
        assert_eq!(labels(&format!("{ONE}{}", ONE.replace("END CERTIFICATE", "END X"))), Err(6));
        assert_eq!(labels(&format!("{ONE}-----BEGIN CERTIFICATE-----\nAAAA\n{ONE}")), Err(6));
        assert_eq!(labels(&format!("{ONE}{}", "A".repeat(64))), Err(4));
        assert_eq!(labels(&format!("{ONE}-----BEGIN CERTIFICATE-----\nAAAA")), Err(4));
    }
}
