//! Where the store lies: said, given by systemd, or the user's own state directory (XDG).

use std::path::{Path, PathBuf};

use crate::env::Env;

/// The store's name in a directory.
pub const FILE: &str = "watch.db";

/// The store's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// It was named by the user: what lies there and is no store is nobody's to move away.
    pub named: bool,
}

/// `said`, else `$STATE_DIRECTORY`, `$XDG_STATE_HOME`, `~/.local/state`; none where there is none of these.
pub fn place(env: &Env, said: Option<&Path>) -> Option<Place> {
    if let Some(file) = said {
        return Some(Place { file: file.to_owned(), named: true });
    }
    // systemd gives absolute paths, several by colon.
    let given = |name: &str| {
        let text = env.var(name)?.split(':').next()?;
        text.starts_with('/').then(|| PathBuf::from(text))
    };
    let own = |base: PathBuf| base.join(env!("CARGO_PKG_NAME"));
    let directory = given("STATE_DIRECTORY")
        .or_else(|| given("XDG_STATE_HOME").map(own))
        .or_else(|| given("HOME").map(|home| own(home.join(".local/state"))))?;
    Some(Place { file: directory.join(FILE), named: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_place_is_taken() {
        let all = [("STATE_DIRECTORY", "/var/lib/a:/b"), ("XDG_STATE_HOME", "/x"), ("HOME", "/h")];
        let expected = [
            "/var/lib/a/watch.db",
            "/x/connector-doctor/watch.db",
            "/h/.local/state/connector-doctor/watch.db",
        ];
        for (i, expected) in expected.iter().enumerate() {
            let vars = all[i..].iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            let env = Env::frozen(0, 0).with_vars(vars);
            assert_eq!(place(&env, None).unwrap().file, Path::new(expected));
            assert_eq!(place(&env, Some(Path::new("w"))).unwrap(), Place { file: "w".into(), named: true });
        }
        assert_eq!(place(&Env::frozen(0, 0), None), None);
        let relative = Env::frozen(0, 0).with_vars([("XDG_STATE_HOME".to_owned(), "x".to_owned())]);
        assert_eq!(place(&relative, None), None);
    }
}
