//! Runs the binary in a pseudo-terminal and reads its screen.

use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::TestEnv;

/// Rows and columns. A complete review fits on the screen.
const SIZE: (u16, u16) = (60, 120);

/// A run of the binary in a pseudo-terminal.
pub struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    written: Arc<Mutex<Vec<u8>>>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

/// Time limit for a screen to appear, even on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

impl Terminal {
    /// Starts the binary.
    pub fn start(env: &TestEnv, args: &[&str]) -> Self {
        Self::sized(env, args, SIZE, &[])
    }

    /// Like [`start`](Self::start), with this size in rows and columns, and with these environment variables.
    pub fn sized(env: &TestEnv, args: &[&str], size: (u16, u16), variables: &[(&str, &str)]) -> Self {
        Self::launch(env, &env.command(args), size, variables)
    }

    /// Runs a script with job control, as a shell at a terminal does.
    pub fn in_shell(env: &TestEnv, script: &str) -> Self {
        let mut shell = Command::new("/bin/bash");
        shell.args(["-mc", script]);
        for (name, value) in env.command(&[]).get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        Self::launch(env, &shell, SIZE, &[])
    }

    fn launch(env: &TestEnv, plain: &Command, size: (u16, u16), variables: &[(&str, &str)]) -> Self {
        let (rows, cols) = size;
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(plain.get_program());
        command.args(plain.get_args());
        command.cwd(env.home.path());
        command.env_clear();
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let (rows, columns) = (NonZero::new(rows).unwrap(), NonZero::new(cols).unwrap());
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 500)));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let reader_screen = Arc::clone(&screen);
        let written = Arc::new(Mutex::new(Vec::new()));
        let reader_written = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                reader_screen.lock().unwrap().process(&buffer[..count]);
                reader_written.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            screen,
            written,
            writer: pair.master.take_writer().unwrap(),
            child,
            _master: pair.master,
        }
    }

    /// Returns the text on the screen.
    pub fn contents(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Renders the screen as SVG.
    pub fn screenshot(&self) -> String {
        super::svg::screenshot(self.screen.lock().unwrap().screen())
    }

    /// Returns everything that the program has written to the terminal.
    pub fn raw_output(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }

    /// Returns whether the cursor is hidden.
    pub fn is_cursor_hidden(&self) -> bool {
        self.screen.lock().unwrap().screen().hide_cursor()
    }

    /// Waits until the screen contains this text.
    pub fn wait_for(&self, words: &str) {
        let end = Instant::now() + TIMEOUT;
        while !self.contents().contains(words) {
            assert!(Instant::now() < end, "{words:?} did not appear:\n{}", self.contents());
            std::thread::sleep(Duration::from_millis(20));
        }
        // The prompt is drawn in several writes. Give it time to complete before a key is sent.
        std::thread::sleep(Duration::from_millis(60));
    }

    /// Sends keys to the program.
    pub fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Waits for this text, then sends keys. A single letter or digit answers a question that needs one key, and is
    /// sent only when that question is ready.
    pub fn answer(&mut self, words: &str, keys: &str) {
        self.wait_for(words);
        if keys.len() == 1 && keys.chars().all(char::is_alphanumeric) {
            self.wait_for_question();
        } else {
            self.wait_until_stable();
        }
        let asked = self.contents();
        self.keys(keys);
        // Wait for the screen to change. Otherwise, the next call could mistake this question for the next one.
        let end = Instant::now() + Duration::from_secs(5);
        while self.contents() == asked && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the screen has not changed for 150 ms. By then, the prompt is ready for keys.
    fn wait_until_stable(&self) {
        let mut last = (self.contents(), Instant::now());
        let end = Instant::now() + Duration::from_secs(5);
        while last.1.elapsed() < Duration::from_millis(150) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
            let now = self.contents();
            if now != last.0 {
                last = (now, Instant::now());
            }
        }
    }

    /// Waits until the cursor is behind a question that needs one key. The program discards keys that arrive earlier.
    pub fn wait_for_question(&self) {
        let end = Instant::now() + TIMEOUT;
        let is_ready = || {
            let screen = self.screen.lock().unwrap();
            let (row, column) = screen.screen().cursor_position();
            let line = screen.screen().contents_between(row, 0, row, column);
            line.trim_end().ends_with(']')
        };
        while !is_ready() {
            assert!(Instant::now() < end, "no question appeared:\n{}", self.contents());
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(30));
    }

    /// Waits until the program exits, and returns the exit code.
    pub fn wait_for_exit(&mut self) -> u32 {
        let end = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                std::thread::sleep(Duration::from_millis(100));
                return status.exit_code();
            }
            assert!(Instant::now() < end, "the program does not exit:\n{}", self.contents());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
