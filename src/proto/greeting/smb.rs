//! SMB 2 and 3: NEGOTIATE over direct TCP, and the dialect of its answer (MS-SMB2 2.1, 2.2.3, 2.2.4).

use super::reply::{Read, Reply};

/// Dialects that are offered: 2.0.2, 2.1, 3.0, 3.0.2, 3.1.1.
const DIALECTS: [u16; 5] = [0x0202, 0x0210, 0x0300, 0x0302, 0x0311];
const HEADER: usize = 64;

pub(super) fn request(_host: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(36_u16.to_le_bytes()); // StructureSize
    body.extend((DIALECTS.len() as u16).to_le_bytes());
    body.extend(1_u16.to_le_bytes()); // SecurityMode: signing enabled
    body.extend([0; 2]);
    body.extend([0; 4]); // Capabilities: none
    body.extend([0; 16]); // ClientGuid: none, so that no client is told from another
    let context = (HEADER + 36 + DIALECTS.len() * 2).next_multiple_of(8) as u32;
    body.extend(context.to_le_bytes());
    body.extend(1_u16.to_le_bytes()); // NegotiateContextCount
    body.extend([0; 2]);
    body.extend(DIALECTS.iter().flat_map(|d| d.to_le_bytes()));
    body.resize(context as usize - HEADER, 0);
    // SMB2_PREAUTH_INTEGRITY_CAPABILITIES: SHA-512, an empty salt of 32 bytes.
    body.extend([1, 0, 38, 0, 0, 0, 0, 0]);
    body.extend([1, 0, 32, 0, 1, 0]);
    body.extend([0; 32]);
    let mut message = vec![0xfe, b'S', b'M', b'B', 64, 0];
    message.resize(HEADER, 0);
    message[14] = 1; // CreditRequest
    message.extend(body);
    // NetBIOS session message: three bytes of length.
    let mut bytes = (message.len() as u32).to_be_bytes().to_vec();
    bytes.extend(message);
    bytes
}

pub(super) fn read(bytes: &[u8]) -> Read {
    let Some((head, message)) = bytes.split_first_chunk::<4>() else {
        return if bytes.first().is_none_or(|b| *b == 0) { Read::More } else { Read::Not };
    };
    let length = u32::from_be_bytes(*head) as usize;
    if head[0] != 0 || !(32..=64 * 1024).contains(&length) {
        return Read::Not;
    }
    match message {
        [0xfe, b'S', b'M', b'B', ..] => negotiated(message),
        [0xff, b'S', b'M', b'B', ..] => {
            Read::Is(Reply { version: Some("1".to_owned()), ..Reply::of("smb", "SMB 1") })
        }
        [0xfe | 0xff, rest @ ..] if rest.len() < 3 => Read::More,
        [] => Read::More,
        _ => Read::Not,
    }
}

fn negotiated(message: &[u8]) -> Read {
    let (Some(status), Some(command)) = (message.get(8..12), message.get(12..14)) else { return Read::More };
    if command != [0, 0] {
        return Read::Not;
    }
    if status != [0; 4] {
        let code = status.iter().rev().fold(String::new(), |text, b| format!("{text}{b:02X}"));
        return Read::Is(Reply::of("smb", format!("refuses the dialects 2.0.2 to 3.1.1, status 0x{code}")));
    }
    let Some(dialect) = message.get(HEADER + 4..HEADER + 6) else { return Read::More };
    let version = match u16::from_le_bytes([dialect[0], dialect[1]]) {
        0x0202 => "2.0.2",
        0x0210 => "2.1",
        0x0300 => "3.0",
        0x0302 => "3.0.2",
        0x0311 => "3.1.1",
        _ => return Read::Not,
    };
    let signing = if message.get(HEADER + 2).is_some_and(|m| m & 2 != 0) { ", signing required" } else { "" };
    Read::Is(Reply {
        version: Some(version.to_owned()),
        ..Reply::of("smb", format!("SMB {version}{signing}"))
    })
}
