//! Keeps records, come what may: what the store cannot take now waits in memory, and what is lost is told.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::history::{Loaded, history, load_states, of_controller};
use super::place::Place;
use super::record::{Ended, Record};
use super::store::{Reader, Retention, Standing, StoreError, Writer};
use super::timeline::Timeline;
use super::words::Words;

/// Observations that wait at most; beyond that they are lost, and a gap is left.
const WAITING: u64 = 1000;

/// Clocks further apart than this are not both right.
const AGREE: Duration = Duration::from_hours(24);

/// The span of the downtime in a report: that of `history`.
const WEEK: Duration = Duration::from_hours(24 * 7);

/// What became of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Everything up to here is kept: the session's id, its observations.
    Yes(i64, u64),
    /// They wait for a better time.
    NotYet,
    /// They are lost.
    Lost(u64),
}

/// Keeps records.
pub(super) struct Keeper {
    place: Option<Place>,
    words: Words,
    writer: Option<Writer>,
    waiting: Vec<Record>,
    /// What was told last; the same trouble is told once.
    trouble: Option<String>,
    /// What waits has no beginning in the store: a session has to begin anew.
    broken: bool,
    troubles: Vec<String>,
}

impl Keeper {
    pub(super) fn new(place: Option<Place>, words: Words) -> Self {
        let mut keeper = Self {
            place,
            words,
            writer: None,
            waiting: Vec::new(),
            trouble: None,
            broken: false,
            troubles: Vec::new(),
        };
        if keeper.place.is_none() {
            keeper.complain("no place to keep the history: neither STATE_DIRECTORY nor HOME is set; name one with --store FILE");
        } else if let Err(error) = keeper.open() {
            keeper.trouble_with(&error);
        }
        keeper
    }

    /// The store's file, while it is written.
    pub(super) fn file(&self) -> Option<&Path> {
        self.writer.as_ref().and(self.place.as_ref()).map(|place| place.file.as_path())
    }

    /// What is to be said on stderr.
    pub(super) fn troubles(&mut self) -> Vec<String> {
        std::mem::take(&mut self.troubles)
    }

    /// Whether the next records must begin a session.
    pub(super) fn must_begin(&self) -> bool {
        self.broken
    }

    /// Keeps `records`, and what waited before them.
    pub(super) fn put(&mut self, records: Vec<Record>) -> Kept {
        let begins = matches!(records.first(), Some(Record::Began(_)));
        if self.broken && !begins {
            return Kept::Lost(samples(&records));
        }
        let opened = self.open();
        if self.broken && self.writer.as_ref().is_some_and(Writer::in_session) {
            self.waiting.push(Record::Ended(Ended::Store));
        }
        self.broken = false;
        self.waiting.extend(records);
        match opened.and_then(|()| self.flush()) {
            Ok((session, samples)) => {
                if self.trouble.take().is_some() {
                    self.troubles.push("the store is written again".to_owned());
                }
                Kept::Yes(session, samples)
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Thins what is old. Where the host's clock (`wall_ns`) and the best known one are far apart, one of them is
    /// wrong, and nothing is deleted for its age.
    pub(super) fn thin(&mut self, now_ns: i64, wall_ns: i64) {
        let Some(writer) = &mut self.writer else { return };
        let agree = now_ns.abs_diff(wall_ns) <= AGREE.as_nanos() as u64;
        let retention = if agree { Retention::default() } else { Retention::by_size() };
        if let Err(error) = writer.thin(now_ns, &retention) {
            self.trouble_with(&error);
        }
    }

    /// What stood last, of a store that is there.
    pub(super) fn standing(&self) -> Vec<Standing> {
        self.writer.as_ref().and_then(|writer| writer.standing().ok()).unwrap_or_default()
    }

    /// The clock of the latest session, where this boot had one.
    pub(super) fn earlier(&self, boot_id: &str) -> Option<Timeline> {
        let session = self.reader()?.sessions(0).ok()?.pop()?;
        (session.boot_id == boot_id).then_some(Timeline {
            boot: session.boot,
            started_ns: session.started_ns,
            by_reference: session.by_reference,
        })
    }

    /// How long the Controller was not reached in the week until now, seconds; the host's clock shows `wall_ns`.
    pub(super) fn downtime_s(&self, wall_ns: i64) -> Option<f64> {
        let Loaded { rows, since, now } =
            load_states(&self.reader()?, WEEK, wall_ns, &of_controller()).ok()?;
        Some(history(&rows, since, now).controller.downtime_s)
    }

    fn reader(&self) -> Option<Reader> {
        Reader::open(self.file()?).ok()
    }

    fn open(&mut self) -> Result<(), StoreError> {
        let Some(place) = self.place.clone() else { return Err(StoreError::Missing) };
        if let Some(writer) = self.writer.take() {
            if writer.is_there(&place.file) {
                self.writer = Some(writer);
                return Ok(());
            }
            // What was kept went with the file: a new one begins with a session.
            return Err(StoreError::Gone);
        }
        if let Some(directory) = place.file.parent().filter(|_| !place.named) {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        let opened = match Writer::open(&place.file) {
            Err(StoreError::Damaged(what)) => self.anew(&place, &what),
            Err(StoreError::Foreign) if !place.named => self.anew(&place, "its beginning is no database's"),
            opened => opened,
        };
        self.writer = Some(opened?);
        Ok(())
    }

    /// What is damaged is kept beside, and a new store begins.
    fn anew(&mut self, place: &Place, what: &str) -> Result<Writer, StoreError> {
        let aside = set_aside(&place.file)?;
        self.complain(&format!("the store is damaged ({what}); it is kept as {}", self.words.file(&aside)));
        Writer::open(&place.file)
    }

    fn flush(&mut self) -> Result<(i64, u64), StoreError> {
        let writer = self.writer.as_mut().ok_or(StoreError::Missing)?;
        let kept = writer.keep(&self.waiting)?;
        self.waiting.clear();
        Ok(kept)
    }

    fn failed(&mut self, error: &StoreError) -> Kept {
        self.trouble_with(error);
        // A full or busy store takes later what waits. Whoever else keeps this host's history keeps it for us, too.
        if matches!(error, StoreError::Full | StoreError::Locked | StoreError::Disk(_)) {
            if samples(&self.waiting) <= WAITING {
                return Kept::NotYet;
            }
        } else {
            self.writer = None;
        }
        self.broken = true;
        let lost = samples(&self.waiting);
        self.waiting.clear();
        Kept::Lost(lost)
    }

    fn trouble_with(&mut self, error: &StoreError) {
        if let Some(place) = &self.place {
            let file = self.words.file(&place.file);
            self.complain(&format!("the history cannot be kept in {file}: {error}; watching goes on"));
        }
    }

    fn complain(&mut self, text: &str) {
        if self.trouble.as_deref() != Some(text) {
            self.trouble = Some(text.to_owned());
            self.troubles.push(text.to_owned());
        }
    }
}

/// Renames a store and what `SQLite` keeps beside it to names that are free; the main file's new name.
fn set_aside(file: &Path) -> Result<PathBuf, StoreError> {
    let with = |suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let free = (1..1000).find(|n| !with(&format!(".damaged-{n}")).exists());
    let n = free.ok_or_else(|| StoreError::Other("a thousand damaged stores lie beside it".to_owned()))?;
    for beside in ["-wal", "-shm"] {
        if with(beside).exists() {
            fs::rename(with(beside), with(&format!(".damaged-{n}{beside}")))?;
        }
    }
    let aside = with(&format!(".damaged-{n}"));
    fs::rename(file, &aside)?;
    Ok(aside)
}

fn samples(records: &[Record]) -> u64 {
    records.iter().filter(|record| matches!(record, Record::Sampled(_))).count() as u64
}
