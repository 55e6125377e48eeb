//! Whether a container is a Connector's, by its image and the names of its variables. Pure.

use super::config::is_telling;
use crate::model::text::looks_secret;

/// `twingate/connector`, in any registry, with any tag or digest: a mirror's name ends like the original's.
pub(super) fn is_connector(image: &str, variables: &[String]) -> bool {
    let path = image.split('@').next().unwrap_or_default();
    let (folder, last) = path.rsplit_once('/').unwrap_or(("", path));
    let last = last.split(':').next().unwrap_or_default();
    let named = folder.contains("twingate") && last == "connector" || last == "twingate-connector";
    named || variables.iter().any(|one| is_telling(one))
}

/// A name as runtimes take them (docker's and podman's `[a-zA-Z0-9][a-zA-Z0-9_.-]*`): a line that grew together with the
/// next one is none, and may hold a token.
pub(super) fn name(text: &str) -> Option<String> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    let fits = (1..=128).contains(&text.len()) && plain && !text.starts_with(['.', '-', '_']);
    (fits && !looks_secret(text)).then(|| text.to_owned())
}

/// The version that an image's tag names: `1.93.0`, not `1` or `latest`.
pub(super) fn version(image: &str) -> Option<String> {
    let tag = image.split('@').next()?.rsplit('/').next()?.split_once(':')?.1;
    let numbers = tag.split('.').count() >= 2 && tag.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (numbers && tag.len() <= 20).then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_told_by_its_path() {
        for (image, is, tag) in [
            ("twingate/connector:1", true, None),
            ("docker.io/twingate/connector:1.93.0@sha256:00", true, Some("1.93.0")),
            ("registry.example:5000/mirror/twingate/connector", true, None),
            ("mirror.example/twingate-connector:latest", true, None),
            ("twingate/client:1", false, None),
            ("acme/connector:2.0", false, Some("2.0")),
            ("sha256:0123", false, None),
            ("", false, None),
        ] {
            assert_eq!((is_connector(image, &[]), version(image).as_deref()), (is, tag), "{image}");
        }
        for (text, is) in [
            ("conn-1", true),
            ("a_b.c", true),
            ("", false),
            ("-x", false),
            ("a b", false),
            ("a=eyJ", false),
            ("eyJcanary", false),
        ] {
            assert_eq!(name(text).is_some(), is, "{text}");
        }
        assert!(is_connector("own:1", &["TWINGATE_ACCESS_TOKEN=canary".to_owned()]));
        assert!(!is_connector("own:1", &["TWINGATE_NETWORK=acme".to_owned(), "x".to_owned()]));
    }
}
