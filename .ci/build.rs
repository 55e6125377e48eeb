//! What `--version` says of a build beside its number: commit, target, C library. Runs no program.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a build script speaks to cargo this way"
)]

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let var = |name: &str| env::var(name).unwrap_or_default();
    println!("cargo::rerun-if-changed=.ci/build.rs");
    println!("cargo::rerun-if-env-changed=DOCTOR_BUILD_COMMIT");
    let root = PathBuf::from(var("CARGO_MANIFEST_DIR"));
    let told = var("DOCTOR_BUILD_COMMIT");
    let commit = match () {
        () if is_commit(&told) => Some(told),
        // A debug build is made anew far too often to be bound to a commit.
        () if var("PROFILE") != "release" => None,
        () => packaged(&root).or_else(|| checked_out(&root)),
    };
    let commit = commit.map_or_else(|| "unknown".to_owned(), |commit| commit[..12].to_owned());
    let library = match var("CARGO_CFG_TARGET_ENV").as_str() {
        "gnu" => "glibc".to_owned(),
        other => other.to_owned(),
    };
    let fixed = var("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "crt-static");
    // cargo gives these to what it runs, too, and an unknown CONNECTOR_DOCTOR_* is an error there: so none is named like that.
    println!("cargo::rustc-env=DOCTOR_BUILD_COMMIT={commit}");
    println!("cargo::rustc-env=DOCTOR_BUILD_TARGET={}", var("TARGET"));
    println!("cargo::rustc-env=DOCTOR_BUILD_LIBC={}{library}", if fixed { "static " } else { "" });
}

fn is_commit(text: &str) -> bool {
    text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The commit that `cargo package` wrote into its archive.
fn packaged(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    text.split('"').find(|word| is_commit(word)).map(str::to_owned)
}

/// The commit of a checkout, read from git's own files (gitrepository-layout(5)).
fn checked_out(root: &Path) -> Option<String> {
    let mut folder = root.join(".git");
    if let Ok(text) = fs::read_to_string(&folder) {
        folder = root.join(text.strip_prefix("gitdir:")?.trim());
    }
    let common = fs::read_to_string(folder.join("commondir"));
    let common = common.map_or_else(|_| folder.clone(), |text| folder.join(text.trim()));
    let head = folder.join("HEAD");
    println!("cargo::rerun-if-changed={}", head.display());
    let text = fs::read_to_string(head).ok()?;
    let Some(name) = text.trim().strip_prefix("ref: ") else {
        return Some(text.trim().to_owned()).filter(|commit| is_commit(commit));
    };
    let loose = common.join(name);
    if let Ok(commit) = fs::read_to_string(&loose) {
        println!("cargo::rerun-if-changed={}", loose.display());
        return Some(commit.trim().to_owned()).filter(|commit| is_commit(commit));
    }
    let packed = fs::read_to_string(common.join("packed-refs")).ok()?;
    let of_it = |line: &str| line.strip_suffix(name)?.strip_suffix(' ').map(str::to_owned);
    packed.lines().find_map(of_it).filter(|commit| is_commit(commit))
}
