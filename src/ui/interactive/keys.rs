//! Single keys from the terminal, for questions that one key answers and for waits.
//!
//! A thread of its own reads the keys, so that a wait can end while nobody types. On Unix the terminal delivers keys at once
//! while [`RawInput`](crate::ui::terminal::RawInput) exists; Ctrl-C stays a signal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::limits::KEY_POLL;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Enter.
    Enter,
    /// Esc alone.
    Escape,
    /// Backspace.
    Backspace,
    /// Up arrow, Ctrl-P.
    Up,
    /// Down arrow, Ctrl-N, Tab.
    Down,
    /// A character.
    Char(char),
    /// A key that edits a text.
    Edit(Edit),
}

impl Press {
    /// The key with a letter in lower case, for questions that one key answers.
    pub fn lowered(self) -> Self {
        match self {
            Self::Char(letter) => Self::Char(letter.to_lowercase().next().unwrap_or(letter)),
            other => other,
        }
    }
}

/// A key that edits a text, by what it does in a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Left arrow, Ctrl-B.
    Left,
    /// Right arrow, Ctrl-F.
    Right,
    /// Home, Ctrl-A.
    Home,
    /// End, Ctrl-E.
    End,
    /// Delete, Ctrl-D.
    Delete,
    /// Ctrl-W.
    DeleteWord,
    /// Ctrl-U.
    DeleteToStart,
    /// Ctrl-K.
    DeleteToEnd,
}

/// The keys that are pressed while this exists.
#[derive(Debug)]
pub struct Keys {
    presses: Mutex<UnboundedReceiver<io::Result<Press>>>,
    is_over: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Keys {
    /// Starts reading.
    pub fn start() -> Self {
        let (sender, presses) = unbounded_channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&is_over);
        let reader = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let presses = match read(KEY_POLL) {
                    Ok(presses) => presses.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                };
                let has_failed = presses.iter().any(Result::is_err);
                for press in presses {
                    // Nobody waits for it any more.
                    let _ = sender.send(press);
                }
                if has_failed {
                    return;
                }
            }
        });
        Self {
            presses: Mutex::new(presses),
            is_over,
            reader: Some(reader),
        }
    }

    /// Waits for the next key. The future can be dropped without losing one.
    ///
    /// # Errors
    /// If the terminal cannot be read any more.
    pub async fn next(&self) -> io::Result<Press> {
        let next = self.presses.lock().await.recv().await;
        next.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // The next question reads the terminal itself. On other systems than Unix, the reader waits for a key.
        if cfg!(unix)
            && let Some(reader) = self.reader.take()
        {
            let _ = reader.join();
        }
    }
}

/// Reads the keys that arrive within this time.
#[cfg(unix)]
fn read(timeout: Duration) -> io::Result<Vec<Press>> {
    use rustix::event::{PollFd, PollFlags, poll};
    let stdin = io::stdin();
    let wait = rustix::event::Timespec::try_from(timeout).ok();
    let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
    match poll(&mut ready, wait.as_ref()) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut bytes = [0; 256];
    match rustix::io::read(&stdin, &mut bytes) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => Ok(presses(&bytes[..count])),
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn read(_timeout: Duration) -> io::Result<Vec<Press>> {
    use console::Key;
    Ok(match console::Term::stderr().read_key()? {
        Key::Enter => vec![Press::Enter],
        Key::Escape => vec![Press::Escape],
        Key::Backspace => vec![Press::Backspace],
        Key::ArrowUp => vec![Press::Up],
        Key::ArrowDown | Key::Tab => vec![Press::Down],
        Key::Char(letter) => control(letter).into_iter().collect(),
        Key::ArrowLeft => vec![Press::Edit(Edit::Left)],
        Key::ArrowRight => vec![Press::Edit(Edit::Right)],
        Key::Home => vec![Press::Edit(Edit::Home)],
        Key::End => vec![Press::Edit(Edit::End)],
        Key::Del => vec![Press::Edit(Edit::Delete)],
        _ => Vec::new(),
    })
}

/// The key of a character, which can be a control character. `None` if it does nothing.
fn control(letter: char) -> Option<Press> {
    Some(match letter {
        '\u{1}' => Press::Edit(Edit::Home),
        '\u{2}' => Press::Edit(Edit::Left),
        '\u{4}' => Press::Edit(Edit::Delete),
        '\u{5}' => Press::Edit(Edit::End),
        '\u{6}' => Press::Edit(Edit::Right),
        '\t' | '\u{e}' => Press::Down,
        '\u{10}' => Press::Up,
        '\u{b}' => Press::Edit(Edit::DeleteToEnd),
        '\u{15}' => Press::Edit(Edit::DeleteToStart),
        '\u{17}' => Press::Edit(Edit::DeleteWord),
        letter if letter.is_control() || letter == char::REPLACEMENT_CHARACTER => return None,
        letter => Press::Char(letter),
    })
}

/// The key of a control sequence, by its parameters and its final character. `None` for other keys.
#[cfg(any(unix, test))]
fn sequence(parameters: &str, last: char) -> Option<Press> {
    Some(Press::Edit(match (parameters, last) {
        ("", 'A') => return Some(Press::Up),
        ("", 'B') => return Some(Press::Down),
        ("", 'D') => Edit::Left,
        ("", 'C') => Edit::Right,
        ("", 'H') | ("1" | "7", '~') => Edit::Home,
        ("", 'F') | ("4" | "8", '~') => Edit::End,
        ("3", '~') => Edit::Delete,
        _ => return None,
    }))
}

/// The keys that a terminal sends as these bytes.
#[cfg(any(unix, test))]
fn presses(bytes: &[u8]) -> Vec<Press> {
    let text = String::from_utf8_lossy(bytes);
    let mut letters = text.chars().peekable();
    let mut presses = Vec::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' | '\n' => presses.push(Press::Enter),
            '\u{7f}' | '\u{8}' => presses.push(Press::Backspace),
            '\u{1b}' => {
                if letters.next_if(|next| matches!(next, '[' | 'O')).is_none() {
                    presses.push(Press::Escape);
                    continue;
                }
                // Parameters, then one final character.
                let mut parameters = String::new();
                while let Some(next) = letters.next_if(|next| matches!(next, '0'..='?' | ' '..='/')) {
                    parameters.push(next);
                }
                presses.extend(letters.next().and_then(|last| sequence(&parameters, last)));
            }
            letter => presses.extend(control(letter)),
        }
    }
    presses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_sequences() {
        use Press::{Backspace, Char, Enter, Escape};
        assert_eq!(presses(b"Y\r"), [Char('Y'), Enter]);
        assert_eq!(Char('Y').lowered(), Char('y'));
        assert_eq!(presses(b"\x1b"), [Escape]);
        assert_eq!(
            presses(b"\x1b[A\x1bOBq\x1b[5~\x1b[3~\x7f"),
            [Press::Up, Press::Down, Char('q'), Press::Edit(Edit::Delete), Backspace]
        );
        assert_eq!(presses("é\u{1}\u{7}".as_bytes()), [Char('é'), Press::Edit(Edit::Home)]);
        let arrows = [Edit::Left, Edit::Right, Edit::Home, Edit::End].map(Press::Edit);
        assert_eq!(presses(b"\x1b[D\x1bOC\x1b[1~\x1b[F"), arrows);
    }
}
