//! The certificates that this host trusts: `SSL_CERT_FILE`, `SSL_CERT_DIR`, the system's own, `--ca-file`; and Mozilla's.
//!
//! What cannot be read is said in a line, and judging goes on with what is left. Files are bounded.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::env::Env;
use crate::model::facts::Trust;
use crate::model::text::clean;

/// Where distributions keep one file with all roots; the first that gives any is taken.
const FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
];
/// Where they keep a file each; read when no file above is there.
const FOLDERS: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs"];
/// A file beyond this many bytes is refused.
const MAX_FILE: u64 = 4 << 20;
/// Files of a folder, and certificates in all, beyond these are left out.
const MAX_FILES: usize = 1000;
const MAX_ROOTS: usize = 2000;

/// What certificates are judged by.
#[derive(Clone, Debug)]
pub struct Roots {
    /// The system's, and those of `--ca-file`.
    pub system: Arc<RootCertStore>,
    /// Public ones: Mozilla's, compiled in, and those of `--ca-file`, which the user vouches for.
    pub mozilla: Arc<RootCertStore>,
    /// What was read, and what could not be.
    pub trust: Trust,
}

/// Reads all roots, and those of `ca_pem`; blocks on files.
pub fn load(env: &Env, ca_file: Option<&Path>, ca_pem: Option<&str>) -> Roots {
    let mut reading = Reading { store: RootCertStore::empty(), trust: Trust::default() };
    let file = env.var("SSL_CERT_FILE").filter(|v| !v.is_empty());
    let folders = env.var("SSL_CERT_DIR").filter(|v| !v.is_empty());
    if let Some(file) = file {
        reading.file("SSL_CERT_FILE", Path::new(file));
    }
    for folder in folders.into_iter().flat_map(|all| all.split(':')).filter(|f| !f.is_empty()) {
        reading.folder("SSL_CERT_DIR", Path::new(folder));
    }
    if reading.store.is_empty() {
        reading.defaults(env);
    }
    let systems_own = reading.store.len();
    if let Some(file) = ca_file {
        reading.file("--ca-file", file);
    }
    if let Some(pem) = ca_pem {
        reading.add(pem.as_bytes());
    }
    let vouched_for = reading.store.roots.get(systems_own..).unwrap_or_default();
    let public = webpki_roots::TLS_SERVER_ROOTS.iter().chain(vouched_for).cloned().collect();
    reading.trust.system_roots = u32::try_from(reading.store.len()).unwrap_or(u32::MAX);
    Roots {
        system: Arc::new(reading.store),
        mozilla: Arc::new(RootCertStore { roots: public }),
        trust: reading.trust,
    }
}

struct Reading {
    store: RootCertStore,
    trust: Trust,
}

impl Reading {
    fn defaults(&mut self, env: &Env) {
        for file in FILES.iter().map(|f| env.path(f)).filter(|f| f.exists()) {
            self.file("the system's roots", &file);
            if !self.store.is_empty() {
                return;
            }
        }
        for folder in FOLDERS.iter().map(|f| env.path(f)).filter(|f| f.exists()) {
            self.folder("the system's roots", &folder);
            if !self.store.is_empty() {
                return;
            }
        }
        self.problem("the system's roots: none found; judged by Mozilla's");
    }

    fn file(&mut self, who: &str, path: &Path) {
        let shown = clean(&path.display().to_string(), 120);
        match read(path) {
            Ok(bytes) => match self.add(&bytes) {
                0 => self.problem(&format!("{who}: {shown} holds no usable certificate")),
                n => self.trust.sources.push(format!("{shown} ({n})")),
            },
            Err(why) => self.problem(&format!("{who}: {shown}: {why}")),
        }
    }

    fn folder(&mut self, who: &str, path: &Path) {
        let shown = clean(&path.display().to_string(), 120);
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) => return self.problem(&format!("{who}: {shown}: {}", clean(&e.to_string(), 80))),
        };
        let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).take(MAX_FILES).collect();
        files.sort();
        // Folders hold other things, too: only a folder without any certificate is worth a word.
        let added: usize = files.iter().filter_map(|f| read(f).ok()).map(|bytes| self.add(&bytes)).sum();
        match added {
            0 => self.problem(&format!("{who}: {shown} holds no usable certificate")),
            n => self.trust.sources.push(format!("{shown} ({n})")),
        }
    }

    /// Adds the certificates of a PEM text; how many were new and usable.
    fn add(&mut self, pem: &[u8]) -> usize {
        let before = self.store.len();
        let room = MAX_ROOTS.saturating_sub(before);
        for certificate in CertificateDer::pem_slice_iter(pem).take(room).flatten() {
            // One that cannot be parsed is none: others may be fine.
            let _ = self.store.add(certificate);
        }
        self.store.len() - before
    }

    fn problem(&mut self, line: &str) {
        self.trust.problems.push(line.to_owned());
    }
}

/// A regular file's bytes: neither a device nor a pipe, which might never end.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let said = |e: std::io::Error| clean(&e.to_string(), 80);
    if !fs::metadata(path).map_err(said)?.is_file() {
        return Err("not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|f| f.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(said)?;
    if bytes.len() as u64 > MAX_FILE { Err("larger than 4 MiB".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(root: &Path, vars: &[(&str, &str)]) -> Env {
        let vars = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Env::frozen(0, 0).with_root(root).with_vars(vars)
    }

    fn pem(name: &str) -> String {
        rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap().cert.pem()
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("cd-roots-{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("etc/ssl/certs")).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn without_etc_ssl_it_is_said_and_mozillas_are_left() {
        let roots = load(&env(Path::new("/nonexistent"), &[]), None, None);
        assert!(roots.system.is_empty() && roots.mozilla.len() > 50);
        assert_eq!(roots.trust.problems, ["the system's roots: none found; judged by Mozilla's"]);
    }

    #[test]
    fn an_unreadable_file_is_said_in_a_line_and_the_system_is_left() {
        let folder = Folder::new("unreadable");
        fs::write(folder.0.join("etc/ssl/certs/ca-certificates.crt"), pem("a") + &pem("b")).unwrap();
        for bad in ["/nonexistent/x", "/dev/zero", "/etc"] {
            let roots = load(&env(&folder.0, &[("SSL_CERT_FILE", bad)]), None, None);
            assert_eq!((roots.trust.system_roots, roots.trust.problems.len()), (2, 1), "{bad}");
            assert!(roots.trust.problems[0].starts_with(&format!("SSL_CERT_FILE: {bad}: ")));
        }
    }

    #[test]
    fn named_files_and_folders_take_the_systems_place() {
        let folder = Folder::new("named");
        fs::write(folder.0.join("etc/ssl/certs/ca-certificates.crt"), pem("a") + &pem("b")).unwrap();
        let mine = folder.0.join("mine.pem");
        fs::write(&mine, pem("c")).unwrap();
        let named = mine.display().to_string();
        assert_eq!(load(&env(&folder.0, &[("SSL_CERT_FILE", &named)]), None, None).system.len(), 1);
        let both = format!("{}:/nonexistent", folder.0.display());
        let roots = load(&env(&folder.0, &[("SSL_CERT_DIR", &both)]), None, None);
        assert_eq!((roots.system.len(), roots.trust.problems.len()), (1, 1));
        // `--ca-file` adds.
        assert_eq!(load(&env(&folder.0, &[]), Some(&mine), None).system.len(), 3);
    }

    #[test]
    fn rubbish_is_said_and_the_rest_counts() {
        let folder = Folder::new("rubbish");
        fs::write(folder.0.join("etc/ssl/certs/ca-certificates.crt"), pem("a")).unwrap();
        let rubbish = folder.0.join("rubbish.pem");
        for bytes in [
            b"rubbish".to_vec(),
            vec![],
            vec![0xff; 100_000],
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(),
            vec![b'x'; (MAX_FILE + 1) as usize],
        ] {
            fs::write(&rubbish, &bytes).unwrap();
            let roots = load(&env(&folder.0, &[]), Some(&rubbish), None);
            assert_eq!((roots.system.len(), roots.trust.problems.len()), (1, 1));
            assert!(roots.trust.problems[0].starts_with("--ca-file: "), "{:?}", roots.trust.problems);
        }
    }
}
