//! ICMP echo (RFC 792, RFC 4443 4): a request, and whether a message answers it. The kernel of an unprivileged socket fills id and checksum.

/// A request with this number and mark.
pub fn request(ipv6: bool, sequence: u16, mark: [u8; 8]) -> Vec<u8> {
    let mut bytes = vec![if ipv6 { 128 } else { 8 }, 0, 0, 0, 0, 0];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(mark);
    bytes
}

/// The number of the request that this message answers; none where it answers none with this mark.
pub fn answer(ipv6: bool, message: &[u8], mark: [u8; 8]) -> Option<u16> {
    let (head, rest) = message.split_first_chunk::<8>()?;
    let reply = if ipv6 { 129 } else { 0 };
    (head[0] == reply && head[1] == 0 && rest == mark).then_some(u16::from_be_bytes([head[6], head[7]]))
}
