//! The secrets of a webhook, and the signatures of its posts, as Standard Webhooks has them.
//!
//! ```text
//! # the first one is the newest; the receiver needs one of them
//! whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
//! whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD
//! ```

use core::fmt;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA256, Key, sign};

use crate::place;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// How many bytes a secret has, as Standard Webhooks asks for.
const BYTES: core::ops::RangeInclusive<usize> = 24..=64;

/// How many secrets one webhook has at most: each makes a signature of each post.
const MOST: usize = 4;

/// The secrets that posts are signed with.
#[derive(Clone)]
pub(super) struct Secrets(Vec<Key>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.0.len()).finish()
    }
}

impl Secrets {
    /// Reads a file. The error repeats nothing of it.
    pub(super) fn load(file: &Path) -> Result<Self, String> {
        let failed = |reason: &str| format!("{}: {reason}", file.display());
        let metadata = fs::metadata(file).map_err(|error| failed(&error.to_string()))?;
        if let Some(reason) = open_to_others(&metadata) {
            return Err(failed(&reason));
        }
        let bytes = place::read(file).map_err(|error| failed(&error.to_string()))?;
        let text = core::str::from_utf8(&bytes).map_err(|_| failed("is not UTF-8"))?;
        Self::parse(text).map_err(|reason| failed(&reason))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let secret = line.strip_prefix(PREFIX).and_then(|secret| STANDARD.decode(secret).ok());
            let secret = secret.filter(|secret| BYTES.contains(&secret.len()));
            let secret = secret.ok_or_else(|| {
                format!("line {number}: expected {PREFIX} and {} to {} bytes in base64", BYTES.start(), BYTES.end())
            })?;
            keys.push(Key::new(HMAC_SHA256, &secret));
        }
        match keys.len() {
            0 => Err("there is no secret in it".to_owned()),
            1..=MOST => Ok(Self(keys)),
            _ => Err(format!("there are more than {MOST} secrets in it")),
        }
    }

    /// The value of `webhook-signature`: a signature by each secret.
    pub(super) fn sign(&self, id: &str, seconds: u64, body: &[u8]) -> String {
        let signed = [id.as_bytes(), b".", seconds.to_string().as_bytes(), b".", body].concat();
        let signatures = self.0.iter().map(|key| format!("v1,{}", STANDARD.encode(sign(key, &signed))));
        signatures.collect::<Vec<_>>().join(" ")
    }
}

/// What is wrong with a file's mode, if others than its owner and group can do anything with it, or its group can write.
#[cfg(unix)]
fn open_to_others(metadata: &fs::Metadata) -> Option<String> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    (mode & 0o037 != 0).then(|| format!("has mode {mode:04o}, so others can use it; expected 0600 or 0640"))
}

#[cfg(not(unix))]
fn open_to_others(_: &fs::Metadata) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample of Standard Webhooks' own libraries.
    #[test]
    fn a_signature_is_that_of_the_convention() {
        let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("a secret");
        let signature = secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_secret_signs_in_order() {
        let (one, two) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let sign = |text: &str| Secrets::parse(text).expect("secrets").sign("id", 1, b"body");
        let both = sign(&format!("# rotated today\n\n  {two}  \r\n{one}\n"));
        assert_eq!(both, format!("{} {}", sign(two), sign(one)));
        assert_ne!(sign(one), sign(two));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_repeated() {
        let short = STANDARD.encode([1; 23]);
        let long = STANDARD.encode([1; 65]);
        let good = STANDARD.encode([1; 24]);
        let expected = "line 2: expected whsec_ and 24 to 64 bytes in base64";
        for line in [&good[..], &format!("whsec_{short}"), &format!("whsec_{long}"), "whsec_", "whsec_!!", "x"] {
            assert_eq!(Secrets::parse(&format!("#\n{line}\n")).map(drop), Err(expected.to_owned()), "{line}");
        }
        assert_eq!(Secrets::parse("# none\n").map(drop), Err("there is no secret in it".to_owned()));
        let five = format!("whsec_{good}\n").repeat(5);
        assert_eq!(Secrets::parse(&five).map(drop), Err("there are more than 4 secrets in it".to_owned()));
        let secrets = Secrets::parse(&five[..five.len() / 5]).expect("one");
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_for_all_to_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::env::temp_dir().join(format!("recording-server-{}-secret", std::process::id()));
        fs::write(&file, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("a file");
        for mode in 0..0o1000 {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
            let metadata = fs::metadata(&file).expect("metadata");
            let is_closed = mode & 0o007 == 0 && mode & 0o030 == 0;
            assert_eq!(open_to_others(&metadata).is_none(), is_closed, "{mode:o}");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
        let refused = Secrets::load(&file).map(drop);
        let reason = format!("{}: has mode 0644, so others can use it; expected 0600 or 0640", file.display());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
        let taken = Secrets::load(&file);
        let _ = fs::remove_file(&file);
        assert_eq!(refused, Err(reason));
        assert!(taken.is_ok());
    }
}
