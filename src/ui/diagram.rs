//! The access picture: user → group → permission set → account, as far as it stands.

use crate::checklist::{State, StepReport};
use crate::text::one_line;

/// One thing of the picture.
struct Link<'a> {
    kind: &'static str,
    name: String,
    /// The step that joins it to the one before is done.
    is_joined: bool,
    state: &'a str,
}

fn report<'a>(reports: &'a [StepReport], slug: &str) -> Option<&'a StepReport> {
    reports.iter().find(|report| report.info.slug == slug)
}

fn links(reports: &[StepReport]) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let mut push = |slug: &str, kind: &'static str, name: Option<String>| {
        let Some(report) = report(reports, slug).filter(|report| report.state != State::Skipped) else {
            return;
        };
        if let Some(name) = name {
            links.push(Link {
                kind,
                name,
                is_joined: report.state == State::Done,
                state: report.state.label(),
            });
        }
    };
    let evidence = |slug: &str, name: &str| Some(report(reports, slug)?.observed.evidence.get(name)?.clone());
    let resource = |slug: &str| Some(report(reports, slug)?.observed.resources.first()?.name.clone());
    push("create-user", "user", evidence("create-user", "user_name"));
    push("create-group", "group", evidence("create-group", "group"));
    let lasts = evidence("permission-set", "session_duration").map_or_else(String::new, |time| format!(", {time}"));
    push(
        "permission-set",
        "permission set",
        resource("permission-set").map(|name| format!("{name}{lasts}")),
    );
    push(
        "account-assignment",
        "account",
        evidence("account-assignment", "account"),
    );
    links
}

/// As a tree, a line each; empty where there is nothing to show yet.
pub fn tree(reports: &[StepReport]) -> Vec<String> {
    links(reports)
        .iter()
        .enumerate()
        .map(|(depth, link)| {
            let branch = if depth == 0 {
                String::new()
            } else {
                format!("{}└─ ", "   ".repeat(depth - 1))
            };
            let state = if link.is_joined {
                String::new()
            } else {
                format!(" ({})", link.state)
            };
            format!("  {branch}{} {}{state}", link.kind, link.name)
        })
        .collect()
}

/// As a Mermaid flowchart; what is not done yet is dashed.
pub fn mermaid(reports: &[StepReport]) -> String {
    let links = links(reports);
    let mut rows = vec!["flowchart LR".to_owned()];
    for (n, link) in links.iter().enumerate() {
        rows.push(format!("    n{n}[\"{}<br/>{}\"]", link.kind, escaped(&link.name)));
    }
    for (n, link) in links.iter().enumerate().skip(1) {
        let arrow = if link.is_joined { "-->" } else { "-.->" };
        rows.push(format!("    n{} {arrow} n{n}", n - 1));
    }
    rows.join("\n")
}

/// In a quoted label only a few characters are not themselves.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for letter in one_line(name).chars() {
        match letter {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_label() {
        assert_eq!(escaped("a\"]\n<b># "), "a#quot;] #lt;b#gt;#35;");
    }
}
