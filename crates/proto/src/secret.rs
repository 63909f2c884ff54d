//! Bytes that may contain a password, on their way through buffers. It must not know where in them a password is.

use zeroize::Zeroize;

/// Appends `more`. If the bytes have to move, then the old memory is overwritten.
pub fn append_secret(bytes: &mut Vec<u8>, more: &[u8]) {
    let needed = bytes.len() + more.len();
    if needed > bytes.capacity() {
        let mut moved = Vec::with_capacity(needed.max(2 * bytes.capacity()));
        moved.extend_from_slice(bytes);
        bytes.zeroize();
        *bytes = moved;
    }
    bytes.extend_from_slice(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_stays_in_front() {
        let mut bytes = Vec::new();
        for _ in 0..100 {
            append_secret(&mut bytes, b"ab");
            append_secret(&mut bytes, b"");
        }
        assert_eq!(bytes, b"ab".repeat(100));
    }
}
