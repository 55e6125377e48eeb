//! Stores that cannot be used: told clearly, watching goes on, nothing that was kept is lost.

use std::fs;

use crate::support::{Lab, Store, Watching, folder, write};

#[test]
fn a_second_watch_keeps_nothing_until_the_first_one_ends() {
    let lab = Lab::up("healthy");
    let path = folder("second").join("w.db");
    let mut first = Watching::start(&lab, &path, &[]);
    first.until("the first keeps", |w| !w.kept().is_empty());
    let mut second = Watching::start(&lab, &path, &[]);
    let samples = |w: &Watching| w.events().iter().filter(|e| e["event"] == "sample").count();
    second.until("the second watches", |w| samples(w) >= 3);
    lab.shut(true);
    second.until("it tells what changes all the same", |w| w.told("controller.tcp", "fail"));
    lab.shut(false);
    assert!(second.kept().is_empty());
    assert!(second.errors().contains("another watch keeps it; watching goes on"), "{}", second.errors());
    first.terminate();
    second.until("the second keeps", |w| w.kept().len() >= 2);
    second.terminate();
    let store = Store::open(&path);
    store.is_sound();
    let overlap = "SELECT count(*) FROM session a JOIN session b ON b.id > a.id
                   AND b.started_ns < a.started_ns + a.last_ms * 1000000";
    assert_eq!(store.one(overlap), 0, "the same time was watched twice");
    assert_eq!(second.errors().matches("another watch").count(), 1, "{}", second.errors());
}

#[test]
fn a_damaged_store_is_kept_beside_and_a_new_one_begins() {
    let lab = Lab::up("healthy");
    let path = folder("damaged").join("w.db");
    let mut watching = Watching::start(&lab, &path, &[]);
    watching.until("it keeps", |w| w.kept().len() >= 3);
    watching.terminate();
    let mut bytes = fs::read(&path).expect("the store");
    // Its header is left whole, as after a bad block.
    bytes[4096..20_000].fill(0x5A);
    write(&path, &bytes);
    let mut watching = Watching::start(&lab, &path, &[]);
    watching.until("it keeps again", |w| w.kept().len() >= 2);
    watching.terminate();
    let errors = watching.errors();
    assert!(errors.contains("the store is damaged") && errors.contains("w.db.damaged-1"), "{errors}");
    let aside = fs::read(path.with_file_name("w.db.damaged-1")).expect("kept");
    let differ: Vec<usize> =
        (0..bytes.len().max(aside.len())).filter(|i| aside.get(*i) != bytes.get(*i)).collect();
    assert!(differ.is_empty(), "{} bytes differ: {:?}", differ.len(), differ.get(..20));
    Store::open(&path).is_sound();
}

#[test]
fn another_programs_file_is_left_alone() {
    let lab = Lab::up("healthy");
    let folder = folder("foreign");
    let sqlite = folder.join("other.db");
    let other = rusqlite::Connection::open(&sqlite).expect("a database");
    other.execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1);").expect("SQL");
    drop(other);
    let text = folder.join("letter.txt");
    write(&text, &b"Dear reader, ".repeat(1000));
    for path in [sqlite, text] {
        let before = fs::read(&path).expect("a file");
        let mut watching = Watching::start(&lab, &path, &[]);
        watching.until("it watches", |w| w.events().iter().filter(|e| e["event"] == "sample").count() >= 2);
        watching.terminate();
        assert!(watching.kept().is_empty());
        assert!(watching.errors().contains("no store of connector-doctor"), "{}", watching.errors());
        assert_eq!(fs::read(&path).expect("a file"), before);
    }
}

#[test]
fn a_later_versions_store_is_left_alone() {
    let lab = Lab::up("healthy");
    let path = folder("later").join("w.db");
    let mut watching = Watching::start(&lab, &path, &[]);
    watching.until("it keeps", |w| !w.kept().is_empty());
    watching.terminate();
    let later = rusqlite::Connection::open(&path).expect("the store");
    later.pragma_update(None, "user_version", 9).expect("SQL");
    drop(later);
    let mut watching = Watching::start(&lab, &path, &[]);
    watching.until("it watches", |w| w.events().iter().any(|e| e["event"] == "sample"));
    watching.terminate();
    assert!(watching.errors().contains("a later version wrote it (schema 9)"), "{}", watching.errors());
}

#[test]
fn a_store_that_is_removed_while_it_is_written_begins_anew() {
    let lab = Lab::up("healthy");
    let path = folder("removed").join("w.db");
    let mut watching = Watching::start(&lab, &path, &[]);
    watching.until("it keeps", |w| w.kept().len() >= 2);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let before = watching.kept().len();
    watching.until("it keeps again", |w| w.kept().len() >= before + 3);
    watching.terminate();
    assert!(watching.errors().contains("removed or replaced"), "{}", watching.errors());
    let store = Store::open(&path);
    store.is_sound();
    // What was said to be kept since is in the new one.
    let (session, number) = *watching.kept().last().expect("some");
    assert_eq!(store.one(&format!("SELECT samples FROM session WHERE id = {session}")), number);
}

#[test]
fn a_store_in_a_directory_that_is_not_there_is_told_and_watching_goes_on() {
    let lab = Lab::up("healthy");
    let path = folder("nowhere").join("missing").join("w.db");
    let mut watching = Watching::start(&lab, &path, &[]);
    let samples = |w: &Watching| w.events().iter().filter(|e| e["event"] == "sample").count();
    watching.until("it watches", |w| samples(w) >= 2);
    assert!(watching.errors().contains("cannot be kept in"), "{}", watching.errors());
    fs::create_dir(path.parent().expect("a folder")).expect("made");
    watching.until("it keeps", |w| w.kept().len() >= 2);
    watching.terminate();
    assert!(watching.errors().contains("written again"), "{}", watching.errors());
    Store::open(&path).is_sound();
}
