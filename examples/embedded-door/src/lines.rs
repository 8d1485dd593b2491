//! Lines of text from a transport.
//!
//! 1. A line ends with a line feed; a carriage return before it is dropped.
//! 2. A line that does not fit the buffer is dropped whole, up to its end, and reported once: what follows is read as if it
//!    had not been there. Half a line never reaches the door.

use embedded_io::{ErrorType, Read};

/// Reads lines into a buffer of the caller.
///
/// ```
/// use embedded_door::{LineError, Lines};
///
/// let mut buffer = [0; 5];
/// let mut lines = Lines::new(&b"one\r\ntoo long\ntwo\n"[..], &mut buffer);
/// assert_eq!(lines.next_line(), Ok(&b"one"[..]));
/// assert_eq!(lines.next_line(), Err(LineError::TooLong));
/// assert_eq!(lines.next_line(), Ok(&b"two"[..]));
/// assert_eq!(lines.next_line(), Err(LineError::End));
/// ```
#[derive(Debug)]
pub struct Lines<'b, T> {
    transport: T,
    buffer: &'b mut [u8],
}

impl<'b, T: Read> Lines<'b, T> {
    /// Joins a transport and a buffer; a credential with three caveats takes about 330 bytes.
    pub const fn new(transport: T, buffer: &'b mut [u8]) -> Self {
        Self { transport, buffer }
    }

    /// Returns the transport, to answer on it.
    pub const fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Waits for the next line and returns it without its end.
    ///
    /// # Errors
    /// [`LineError`]; after [`LineError::TooLong`] the next line can be read.
    pub fn next_line(&mut self) -> Result<&[u8], LineError<<T as ErrorType>::Error>> {
        let mut length = 0;
        loop {
            let mut byte = [0];
            if self.transport.read(&mut byte).map_err(LineError::Transport)? == 0 {
                return Err(LineError::End);
            }
            match byte {
                [b'\n'] => break,
                [byte] => {
                    if let Some(place) = self.buffer.get_mut(length) {
                        *place = byte;
                    }
                    length = length.saturating_add(1);
                }
            }
        }
        let line = self.buffer.get(..length).ok_or(LineError::TooLong)?;
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// Why there is no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineError<E> {
    /// The line is longer than the buffer.
    TooLong,
    /// The transport has ended. What stood behind the last line feed is dropped.
    End,
    /// The transport failed.
    Transport(E),
}
