//! Renders a terminal screen as SVG, with placeholders for everything that differs from run to run.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

/// Width of a column, in tenths of a unit.
const COLUMN: usize = 84;
const ROW: usize = 18;

/// Patterns of text that differs from run to run, with placeholders.
static REPLACEMENTS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:4566"),
        (r"/\S*/\.tmp\w+", "~"),
        (r"~/\.aws", "~/.aws"),
        // On a narrow screen, date and time are on separate lines.
        (r"\b20\d\d-\d\d-\d\d\b", "2026-11-24"),
        (r"\b\d\d:\d\d UTC", "13:00 UTC"),
        (r"_[0-9a-f]{16}\b", "_0123456789abcdef"),
        (r"ssoins-[0-9a-f]{16}", "ssoins-7223a1b2c3d4e5f6"),
        (r"\b[0-9a-f]{16}/", "7223a1b2c3d4e5f6/"),
        (r"\bd-[0-9a-f]{10}\b", "d-9067aabbcc"),
        (
            r"\b[0-9a-f]{8}-[0-9a-f]{4}-70[0-9a-f]{2}-[0-9a-f]{4}-[0-9a-f]{12}",
            "11111111-2222-7033-8444-555555555555",
        ),
        (r"[A-Z]{4}-[A-Z]{4}\b", "ABCD-EFGH"),
        (r"([A-Z] ){4}- ([A-Z] ){3}[A-Z]\b", "A B C D - E F G H"),
        (r"[\u{2801}-\u{28ff}]", "\u{280b}"),
        (r" \d+s$", " 2s"),
        (r"… \d+:\d\d", "… 0:03"),
    ]
    .map(|(pattern, placeholder)| (Regex::new(pattern).unwrap(), placeholder))
    .into()
});

/// Replaces everything that differs from run to run.
pub fn normalize(text: &str) -> String {
    let lines = text.lines().map(|line| {
        REPLACEMENTS
            .iter()
            .fold(line.to_owned(), |line, (pattern, placeholder)| {
                pattern.replace_all(&line, *placeholder).into_owned()
            })
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A picture of a screen: rows of runs of text with their style.
#[derive(Clone, PartialEq)]
pub struct Frame {
    lines: Vec<Vec<(String, String)>>,
    columns: usize,
}

impl Frame {
    /// The picture of a screen.
    pub fn of(screen: &vt100::Screen) -> Self {
        let (rows, columns) = screen.size();
        let (rows, columns) = (rows.get(), columns.get());
        Self {
            lines: (0..rows).map(|row| runs(screen, row, columns)).collect(),
            columns: usize::from(columns),
        }
    }

    /// The rows up to the last one with text.
    fn used(&self) -> usize {
        let has_text = |line: &Vec<(String, String)>| line.iter().any(|(text, _)| !text.trim().is_empty());
        self.lines.iter().rposition(has_text).map_or(1, |last| last + 1)
    }

    fn write(&self, rows: usize, out: &mut String) {
        for (row, line) in self.lines.iter().take(rows).enumerate() {
            let _ = write!(out, "<text x=\"12\" y=\"{}\">", row * ROW + 26);
            for (text, class) in line {
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                if class.is_empty() {
                    out.push_str(&text);
                } else {
                    let _ = write!(out, "<tspan class=\"{class}\">{text}</tspan>");
                }
            }
            out.push_str("</text>\n");
        }
    }
}

/// The beginning of a picture: its size, its colors, and what `style` adds.
fn begin(columns: usize, rows: usize, style: &str) -> String {
    let (width, height) = (columns * COLUMN / 10 + 24, rows * ROW + 24);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         role=\"img\">\n<style>text{{font:14px ui-monospace,Menlo,Consolas,monospace;white-space:pre;fill:#d8dee9}}\
         .b{{font-weight:700;fill:#fff}}.d{{fill:#8b949e}}.c1{{fill:#ff7b72}}.c2{{fill:#7ee787}}.c3{{fill:#e3b341}}\
         .c4{{fill:#79c0ff}}.c5{{fill:#d2a8ff}}.c6{{fill:#56d4dd}}.c8{{fill:#8b949e}}{style}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    )
}

/// Renders the screen, without the empty rows at the end.
pub fn screenshot(screen: &vt100::Screen) -> String {
    let frame = Frame::of(screen);
    let mut out = begin(frame.columns, frame.used(), "");
    frame.write(frame.used(), &mut out);
    out.push_str("</svg>\n");
    out
}

/// Renders screens one after the other, each for a number of seconds, from the beginning again and again.
pub fn animation(frames: &[(Frame, u32)]) -> String {
    let total: u32 = frames.iter().map(|(_, seconds)| seconds).sum();
    let rows = frames.iter().map(|(frame, _)| frame.lines.len()).max().unwrap_or(1);
    let columns = frames.iter().map(|(frame, _)| frame.columns).max().unwrap_or(1);
    let percent = |seconds: u32| f64::from(seconds) * 100.0 / f64::from(total);
    let mut style = format!("g{{visibility:hidden;animation:{total}s step-end infinite}}");
    let mut begun = 0;
    for (index, (_, seconds)) in frames.iter().enumerate() {
        let (from, to) = (percent(begun), percent(begun + seconds));
        let _ = write!(
            style,
            "#f{index}{{animation-name:k{index}}}@keyframes k{index}{{0%{{visibility:{}}}{from:.2}%{{visibility:visible}}\
             {to:.2}%{{visibility:hidden}}}}",
            if begun == 0 { "visible" } else { "hidden" }
        );
        begun += seconds;
    }
    // Without animation, the last picture is shown.
    let _ = write!(style, "#f{}{{visibility:visible}}", frames.len().saturating_sub(1));
    let mut out = begin(columns, rows, &style);
    for (index, (frame, _)) in frames.iter().enumerate() {
        let _ = writeln!(out, "<g id=\"f{index}\">");
        frame.write(rows, &mut out);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// Splits a row into runs of text with the same style.
fn runs(screen: &vt100::Screen, row: u16, columns: u16) -> Vec<(String, String)> {
    let mut runs: Vec<(String, String)> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else { continue };
        let mut classes = Vec::new();
        if cell.bold() {
            classes.push("b".to_owned());
        }
        if cell.dim() {
            classes.push("d".to_owned());
        }
        if let vt100::Color::Idx(color @ (1..=6 | 8)) = cell.fgcolor() {
            classes.push(format!("c{color}"));
        }
        let class = classes.join(" ");
        let text = if cell.contents().is_empty() {
            " "
        } else {
            cell.contents()
        };
        match runs.last_mut() {
            Some((run, run_class)) if *run_class == class => run.push_str(text),
            _ => runs.push((text.to_owned(), class)),
        }
    }
    if let Some((last, _)) = runs.last_mut() {
        *last = last.trim_end().to_owned();
    }
    for (text, _) in &mut runs {
        let trailing = text.len() - text.trim_end_matches(' ').len();
        let normalized = normalize(text);
        *text = normalized.trim_end_matches(' ').to_owned() + &" ".repeat(trailing);
    }
    runs
}
