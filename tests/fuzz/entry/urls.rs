//! One input through what is left of URLs that the network shows, and through the trust in processes; the fuzz target and the ordinary
//! test both call it.

use connector_doctor::connector::cgroup;
use connector_doctor::connector::trust::{Suspect, believed};
use connector_doctor::model::text;

/// The bytes as a URL, as a text around one, and as a table of control groups.
pub(crate) fn run(data: &[u8]) {
    const SECRET: &str = "hunter2";
    let given = String::from_utf8_lossy(data);
    let site = text::site(&given);
    assert!(!site.contains(['?', '#', '@']), "{site:?} of {given:?}");
    let url = format!("https://h.example/{given}?k={SECRET}");
    assert!(!text::site(&url).contains(SECRET), "{url:?}");
    // Whatever stands before: the path and the query of a URL are gone.
    let around = format!("{} https://h.example/{SECRET}", given.replace(SECRET, ""));
    assert!(!text::without_urls(&around).contains(SECRET), "{around:?}");
    // Whatever stands before and behind: what a user's session runs is not root's to believe.
    let groups = format!("{given}\n0::/user.slice/user-1000.slice/{given}\n");
    let deployment = cgroup::deployment(&groups);
    let suspect = Suspect { uid: Some(1000), groups: &groups, deployment: &deployment };
    assert!(!believed(&suspect, Some(0), false), "{groups:?}");
}
