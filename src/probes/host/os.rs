//! Distribution (os-release), kernel and architecture.

use super::files;
use crate::env::Env;
use crate::model::facts::Os;
use crate::model::text::clean;

/// Reads them; what cannot be read is empty.
pub(super) fn discover(env: &Env) -> Os {
    let release = files::read(env, "/etc/os-release", files::SMALL)
        .or_else(|| files::read(env, "/usr/lib/os-release", files::SMALL))
        .unwrap_or_default();
    let version = || files::line(env, "/proc/version");
    let kernel = files::line(env, "/proc/sys/kernel/osrelease")
        .or_else(|| Some(version()?.split(' ').nth(2)?.to_owned()))
        .unwrap_or_default();
    Os { kernel: clean(&kernel, 64), architecture: std::env::consts::ARCH.to_owned(), ..parse(&release) }
}

fn parse(release: &str) -> Os {
    let get = |key: &str| files::assignments(release).find(|(k, _)| *k == key).map_or("", |(_, v)| v);
    let (name, version) = (get("NAME").trim_end_matches(" GNU/Linux"), get("VERSION_ID"));
    let name = match (name, version) {
        ("", _) => get("PRETTY_NAME").to_owned(),
        (name, "") => name.to_owned(),
        (name, version) => format!("{name} {version}"),
    };
    Os {
        id: clean(&get("ID").to_ascii_lowercase(), 32),
        id_like: get("ID_LIKE").split_whitespace().take(8).map(|id| clean(id, 32)).collect(),
        name: clean(&name, 64),
        ..Os::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_with_its_quotes_and_without_its_escapes() {
        for (text, id, like, name) in [
            (
                "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
                "debian",
                "",
                "Debian 12",
            ),
            (
                "NAME='Rocky Linux'\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n",
                "rocky",
                "rhel centos fedora",
                "Rocky Linux 9.4",
            ),
            ("NAME=\"Arch Linux\"\nID=arch\n# VERSION_ID=1\n", "arch", "", "Arch Linux"),
            ("PRETTY_NAME=\"\u{1b}[31mX\"\n", "", "", "[31mX"),
            ("\u{0}garbage", "", "", ""),
        ] {
            let os = parse(text);
            assert_eq!((os.id.as_str(), os.id_like.join(" ").as_str(), os.name.as_str()), (id, like, name));
        }
    }
}
