//! The program on a terminal: its width, and the answer at the end.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::pty::{Winsize, openpty};

use super::doctor;

/// What a terminal of this size shows after a run with these words.
fn on_terminal(words: &[&str], columns: u16, rows: u16) -> String {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).expect("a pseudo terminal");
    let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("a descriptor"));
    let mut child = doctor(words)
        .env_remove("NO_COLOR")
        .stdin(end(&pty.slave))
        .stdout(end(&pty.slave))
        .stderr(end(&pty.slave))
        .spawn()
        .expect("runs");
    drop(pty.slave);
    let (mut bytes, mut terminal) = (Vec::new(), std::fs::File::from(pty.master));
    // The other end is gone: EIO, which ends what was written.
    let _ = terminal.read_to_end(&mut bytes);
    child.wait().expect("ends");
    let mut emulated = vt100::Parser::new(rows, columns, 0);
    emulated.process(&bytes);
    emulated.screen().contents()
}

#[test]
fn the_last_rows_of_a_terminal_are_the_answer() {
    let shown = on_terminal(&["lab", "clock-behind"], 80, 24);
    for part in [
        "UNHEALTHY  clock-skew: ",
        "    do ",
        "    verify     connector-doctor lab clock-behind",
        "    more ",
    ] {
        assert!(shown.contains(part), "{part:?} is not on the screen:\n{shown}");
    }
    assert!(!shown.contains("-- end of"), "{shown}");
    // As wide as the terminal is.
    let wide = on_terminal(&["lab", "clock-behind"], 132, 50);
    let longest = wide.lines().map(str::len).max().unwrap_or(0);
    assert!((81..=132).contains(&longest), "{longest}:\n{wide}");
}
