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
    reader: std::thread::JoinHandle<()>,
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
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                reader_screen.lock().unwrap().process(&buffer[..count]);
                reader_written.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            screen,
            written,
            reader,
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

    /// Returns a picture of the screen, for an animation.
    pub fn frame(&self) -> super::svg::Frame {
        super::svg::Frame::of(self.screen.lock().unwrap().screen())
    }

    /// Returns the lines that scrolled off the screen and those on it.
    pub fn history(&self) -> Vec<String> {
        let mut parser = self.screen.lock().unwrap();
        let rows = usize::from(parser.screen().size().0.get());
        let on_screen = parser.screen().contents();
        parser.screen_mut().set_scrollback(usize::MAX);
        let mut back = parser.screen().scrollback();
        let mut lines = Vec::new();
        while back > 0 {
            parser.screen_mut().set_scrollback(back);
            let shown = parser.screen().contents();
            let new = shown
                .lines()
                .take(back.min(rows))
                .map(str::to_owned)
                .collect::<Vec<_>>();
            back -= back.min(rows);
            lines.extend(new);
        }
        parser.screen_mut().set_scrollback(0);
        drop(parser);
        lines.extend(on_screen.trim_end().lines().map(str::to_owned));
        lines
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

    /// Waits until the screen contains one of these texts.
    pub fn wait_for_any(&self, words: &[&str]) {
        let end = Instant::now() + TIMEOUT;
        while !words.iter().any(|words| self.contents().contains(words)) {
            assert!(Instant::now() < end, "{words:?} did not appear:\n{}", self.contents());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends keys to the program.
    pub fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Waits for this text, then sends keys as soon as the screen no longer changes.
    pub fn answer(&mut self, words: &str, keys: &str) {
        self.wait_for(words);
        self.wait_until_stable();
        let asked = self.stable_contents();
        self.keys(keys);
        // Wait for the screen to change. Otherwise, the next call could mistake this question for the next one.
        let end = Instant::now() + Duration::from_secs(5);
        while self.stable_contents() == asked && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the screen has not changed for 150 ms. By then, the prompt is ready for keys.
    pub fn wait_until_stable(&self) {
        let mut last = (self.stable_contents(), Instant::now());
        let end = Instant::now() + Duration::from_secs(5);
        while last.1.elapsed() < Duration::from_millis(150) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
            let now = self.stable_contents();
            if now != last.0 {
                last = (now, Instant::now());
            }
        }
    }

    /// Returns the text on the screen without what is animated: the spinner and the elapsed time.
    pub fn stable_contents(&self) -> String {
        let animated = regex::Regex::new(r"[\u{2800}-\u{28ff}]|\d+:\d\d").unwrap();
        animated.replace_all(&self.contents(), "").into_owned()
    }

    /// Waits until the cursor is behind a question that needs one key. The program discards keys that arrive earlier.
    pub fn wait_for_question(&self) {
        let end = Instant::now() + TIMEOUT;
        let is_ready = || {
            let screen = self.screen.lock().unwrap();
            let (row, column) = screen.screen().cursor_position();
            let line = screen.screen().contents_between(row, 0, row, column);
            line.trim_end().ends_with(['›', '>'])
        };
        while !is_ready() {
            assert!(Instant::now() < end, "no question appeared:\n{}", self.contents());
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(30));
    }

    /// Waits until all output is on the screen. A program in the background can keep the terminal open.
    fn wait_for_output(&self) {
        let end = Instant::now() + Duration::from_secs(5);
        while !self.reader.is_finished() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the program exits, and returns the exit code.
    pub fn wait_for_exit(&mut self) -> u32 {
        let end = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.wait_for_output();
                return status.exit_code();
            }
            assert!(Instant::now() < end, "the program does not exit:\n{}", self.contents());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
