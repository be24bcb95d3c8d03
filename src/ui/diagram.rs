//! A diagram of who has access to what: user → group → permission set → account.

use crate::text::one_line;
use crate::wizard::{State, StepReport};

/// A node of the diagram.
struct Node<'a> {
    kind: &'static str,
    name: String,
    /// Whether the step that connects it to the previous node is done.
    is_connected: bool,
    state: &'a str,
}

fn report<'a>(reports: &'a [StepReport], slug: &str) -> Option<&'a StepReport> {
    reports.iter().find(|report| report.info.slug == slug)
}

fn nodes(reports: &[StepReport]) -> Vec<Node<'_>> {
    let mut nodes = Vec::new();
    let mut push = |slug: &str, kind: &'static str, name: Option<String>| {
        let Some(report) = report(reports, slug).filter(|report| report.state != State::Skipped) else {
            return;
        };
        if let Some(name) = name {
            nodes.push(Node {
                kind,
                name,
                is_connected: report.state == State::Done,
                state: report.state.label(),
            });
        }
    };
    let evidence = |slug: &str| report(reports, slug).map(|report| &report.observed.evidence);
    let resource = |slug: &str| Some(report(reports, slug)?.observed.resources.first()?.name.clone());
    push(
        "create-user",
        "user",
        evidence("create-user").and_then(|evidence| evidence.user_name.clone()),
    );
    push(
        "create-group",
        "group",
        evidence("create-group").and_then(|evidence| evidence.group.clone()),
    );
    let lasts = evidence("permission-set").and_then(|evidence| evidence.session_duration);
    let lasts = lasts.map_or_else(String::new, |time| format!(", {time}"));
    push(
        "permission-set",
        "permission set",
        resource("permission-set").map(|name| format!("{name}{lasts}")),
    );
    push(
        "account-assignment",
        "account",
        evidence("account-assignment").and_then(|evidence| Some(evidence.account.as_ref()?.to_string())),
    );
    nodes
}

/// Returns the diagram as a tree, one line per node; empty if there is nothing to show.
pub fn tree(reports: &[StepReport]) -> Vec<String> {
    nodes(reports)
        .iter()
        .enumerate()
        .map(|(depth, node)| {
            let branch = if depth == 0 {
                String::new()
            } else {
                format!("{}└─ ", "   ".repeat(depth - 1))
            };
            let state = if node.is_connected {
                String::new()
            } else {
                format!(" ({})", node.state)
            };
            format!("  {branch}{} {}{state}", node.kind, node.name)
        })
        .collect()
}

/// Returns the diagram as a Mermaid flowchart. Steps that are not done are dashed.
pub fn mermaid(reports: &[StepReport]) -> String {
    let nodes = nodes(reports);
    let mut rows = vec!["flowchart LR".to_owned()];
    for (n, node) in nodes.iter().enumerate() {
        rows.push(format!("    n{n}[\"{}<br/>{}\"]", node.kind, escaped(&node.name)));
    }
    for (n, node) in nodes.iter().enumerate().skip(1) {
        let arrow = if node.is_connected { "-->" } else { "-.->" };
        rows.push(format!("    n{} {arrow} n{n}", n - 1));
    }
    rows.join("\n")
}

/// Escapes the characters that have a meaning in a quoted label.
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
