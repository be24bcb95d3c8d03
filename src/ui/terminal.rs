//! The state of the terminal: however the program ends, the cursor is visible and the modes are restored.

/// Restores the terminal when it goes out of scope.
#[derive(Debug)]
pub struct TerminalGuard {
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

impl TerminalGuard {
    /// Saves the modes of the terminal on stdin, if there is one.
    pub fn new() -> Self {
        Self {
            #[cfg(unix)]
            modes: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }

    /// Shows the cursor and restores the modes.
    pub fn restore(&self) {
        #[cfg(unix)]
        if let Some(modes) = self
            .modes
            .as_ref()
            .filter(|modes| is_in_foreground() && have_changed(modes))
        {
            // An error means that the terminal no longer exists.
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, modes);
        }
        let terminal = console::Term::stderr();
        #[cfg(unix)]
        let is_foreground = is_in_foreground();
        #[cfg(not(unix))]
        let is_foreground = true;
        if terminal.is_term() && is_foreground {
            let _ = terminal.show_cursor();
        }
    }
}

/// Returns whether this process may change the terminal. From the background, that would stop it, and the modes are those of
/// another process.
#[cfg(unix)]
fn is_in_foreground() -> bool {
    let foreground = rustix::termios::tcgetpgrp(std::io::stdin());
    foreground.is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Returns whether the modes have changed.
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

/// Makes the terminal deliver each key at once, without an echo, while it exists. Otherwise, keys pressed between questions
/// would garble what is redrawn. Prompts echo their input themselves, and Ctrl-C still works.
#[derive(Debug)]
pub struct RawInput {
    _before: TerminalGuard,
}

impl RawInput {
    /// Changes the modes of the terminal on stdin, if there is one.
    pub fn new() -> Self {
        let before = TerminalGuard::new();
        #[cfg(unix)]
        if let Some(modes) = before.modes.as_ref().filter(|_| is_in_foreground()) {
            let mut modes = modes.clone();
            let removed = rustix::termios::LocalModes::ECHO | rustix::termios::LocalModes::ICANON;
            modes.local_modes.remove(removed);
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &modes);
        }
        Self { _before: before }
    }
}

/// Discards keys that were pressed before a question appeared. They must not answer it.
pub fn discard_type_ahead() {
    #[cfg(unix)]
    {
        // Fails without a terminal, where there is nothing to discard.
        let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
    }
}
