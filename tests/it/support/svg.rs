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
            r"\b[0-9a-f]{10}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "9067aabbcc-11111111-2222-4333-8444-555555555555",
        ),
        (r"[A-Z]{4}-[A-Z]{4}\b", "ABCD-EFGH"),
        (r"([A-Z] ){4}- ([A-Z] ){3}[A-Z]\b", "A B C D - E F G H"),
        (r"[\u{2801}-\u{28ff}]", "\u{280b}"),
        (r" \d+s$", " 2s"),
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

/// Renders the screen, without the empty rows at the end.
pub fn screenshot(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let lines: Vec<Vec<(String, String)>> = (0..rows).map(|row| runs(screen, row, columns)).collect();
    let used = lines
        .iter()
        .rposition(|line| line.iter().any(|(text, _)| !text.trim().is_empty()))
        .map_or(1, |last| last + 1);
    let (width, height) = (usize::from(columns) * COLUMN / 10 + 24, used * ROW + 24);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         role=\"img\">\n<style>text{{font:14px ui-monospace,Menlo,Consolas,monospace;white-space:pre;fill:#d8dee9}}\
         .b{{font-weight:700;fill:#fff}}.c1{{fill:#ff7b72}}.c2{{fill:#7ee787}}.c3{{fill:#e3b341}}.c4{{fill:#79c0ff}}\
         .c5{{fill:#d2a8ff}}.c6{{fill:#56d4dd}}.c8{{fill:#8b949e}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    for (row, line) in lines.iter().take(used).enumerate() {
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
