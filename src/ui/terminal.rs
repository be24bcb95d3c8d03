//! The terminal as it was: whatever ends the program, the cursor is shown and the modes are restored.

/// Restores the terminal when it goes out of scope.
#[derive(Debug)]
pub struct TerminalGuard {
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

impl TerminalGuard {
    /// Remembers the modes of stdin's terminal, if it is one.
    pub fn new() -> Self {
        Self {
            #[cfg(unix)]
            modes: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }

    /// Shows the cursor and restores the modes.
    pub fn restore(&self) {
        #[cfg(unix)]
        if let Some(modes) = self.modes.as_ref().filter(|modes| have_changed(modes)) {
            // Nothing can be done about a terminal that has gone away.
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, modes);
        }
        let terminal = console::Term::stderr();
        if terminal.is_term() {
            let _ = terminal.show_cursor();
        }
    }
}

/// Whether the modes are others by now. Setting them from the background would stop the program, though nothing changed.
#[cfg(unix)]
fn have_changed(before: &rustix::termios::Termios) -> bool {
    let all = |modes: &rustix::termios::Termios| {
        (
            modes.input_modes,
            modes.output_modes,
            modes.control_modes,
            modes.local_modes,
        )
    };
    rustix::termios::tcgetattr(std::io::stdin()).is_ok_and(|now| all(&now) != all(before))
}

impl Default for TerminalGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        self.restore();
    }
}

/// While it lives, what is typed between questions does not show: it would tear what moves, and nobody reads it. Prompts
/// show what they read themselves. Ctrl-C works all the while.
#[derive(Debug)]
pub struct Hushed {
    _before: TerminalGuard,
}

impl Hushed {
    /// Turns the echo of stdin's terminal off, if it is one.
    pub fn new() -> Self {
        let before = TerminalGuard::new();
        #[cfg(unix)]
        if let Some(modes) = &before.modes {
            let mut modes = modes.clone();
            modes.local_modes.remove(rustix::termios::LocalModes::ECHO);
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &modes);
        }
        Self { _before: before }
    }
}

/// What was typed before a question stood there answers another one, or none: it must not agree to anything.
pub fn forget_typed_ahead() {
    #[cfg(unix)]
    {
        // Without a terminal there is nobody to type ahead.
        let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
    }
}
