//! A link that a thread of the test carries: delay, loss and size limits by its own hand, since the kernel
//! at hand may lack netem. Two TAP devices, one in each node; every frame read from one is written to the other.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::gate::now;
use super::node::Node;

/// What the link does to frames, each way alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wire {
    /// How long a frame is under way.
    pub delay: Duration,
    /// How many of a hundred frames are lost; ARP and neighbour discovery are spared.
    pub lost_percent: u64,
    /// Where the pseudo-random losses begin.
    pub seed: u64,
}

/// Ends the carrying threads when dropped.
pub struct Carrier(Arc<AtomicBool>);

impl Drop for Carrier {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Wire {
    /// Joins `left` and `right` by new devices of these names.
    pub fn join(self, left: (&Node, &str), right: (&Node, &str)) -> Carrier {
        let ends = [left, right].map(|(node, device)| {
            let device = device.to_owned();
            node.run(move || tap::open(&device).unwrap_or_else(|e| panic!("TAP {device}: {e}")))
        });
        let stop = Arc::new(AtomicBool::new(false));
        for (from, to) in [(0, 1), (1, 0)] {
            let (queue, due) = channel();
            let (source, sink) = (clone(&ends[from]), clone(&ends[to]));
            let (stop, seed) = (Arc::clone(&stop), self.seed * 2 + from as u64 + 1);
            thread::spawn(move || self.read(source, seed, &queue, &stop));
            thread::spawn(move || write(sink, &due));
        }
        Carrier(stop)
    }

    fn read(self, mut from: File, seed: u64, queue: &Sender<(Duration, Vec<u8>)>, stop: &AtomicBool) {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut frame = vec![0; 65_600];
        while !stop.load(Ordering::Relaxed) {
            let mut waiting = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
            if !matches!(poll(&mut waiting, PollTimeout::from(50_u8)), Ok(1..)) {
                continue;
            }
            // A device that is not up yet says EIO: try again.
            let Ok(length) = from.read(&mut frame) else { continue };
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            if spared(&frame[..length]) || random % 100 >= self.lost_percent {
                let _ = queue.send((now() + self.delay, frame[..length].to_vec()));
            }
        }
    }
}

fn write(mut to: File, due: &Receiver<(Duration, Vec<u8>)>) {
    for (when, frame) in due {
        thread::sleep(when.saturating_sub(now()));
        let _ = to.write_all(&frame);
    }
}

/// ARP, and `ICMPv6` from router solicitation to redirect: without them nothing is lost but the link itself.
fn spared(frame: &[u8]) -> bool {
    let kind = frame.get(12..14);
    kind == Some(&[0x08, 0x06])
        || kind == Some(&[0x86, 0xDD])
            && frame.get(20) == Some(&58)
            && frame.get(54).is_some_and(|t| (133..=137).contains(t))
}

fn clone(file: &File) -> File {
    file.try_clone().expect("a descriptor")
}

#[expect(unsafe_code, reason = "TUNSETIFF has no safe wrapper")]
mod tap {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd as _;

    nix::ioctl_write_ptr_bad!(set_interface, libc::TUNSETIFF, libc::ifreq);

    /// A TAP device of this name in the network of the calling thread.
    pub(super) fn open(name: &str) -> io::Result<File> {
        let file = File::options().read(true).write(true).open("/dev/net/tun")?;
        let mut ifr_name = [0; libc::IFNAMSIZ];
        for (to, from) in ifr_name.iter_mut().zip(name.bytes().take(libc::IFNAMSIZ - 1)) {
            *to = from as libc::c_char;
        }
        let flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
        let request = libc::ifreq { ifr_name, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: flags } };
        // SAFETY: the descriptor is open and `request` outlives the call, which only reads and fills it.
        unsafe { set_interface(file.as_raw_fd(), &raw const request) }?;
        Ok(file)
    }
}
