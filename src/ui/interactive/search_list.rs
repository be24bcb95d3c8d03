//! A list that the user searches by typing. dialoguer's own search also finds letters that are far apart, so that "aust" puts
//! California before Australia; this one finds words.

use console::{Style, Term, measure_text_width};

use super::Interactive;
use super::field::{Field, Label};
use super::keys::{Keys, Press};
use super::list::{List, fitted};
use crate::text::clean;
use crate::user_error::UserError;
use crate::wizard::Choice;

/// The rows that are shown at once, so that a list fits on a small screen.
const ROWS: usize = 8;

/// What the user did with a list.
pub(super) enum Picked {
    /// Chose this one, by its index in the list.
    Row(usize),
    /// Asked for the help.
    Help,
    /// Went back.
    Back,
}

/// The choices that a filter finds, by their indices: first those with a word that begins with it. The last `kept` choices are
/// always found.
fn found(choices: &[Choice], filter: &str, kept: usize) -> Vec<usize> {
    let (listed, always) = choices.split_at(choices.len() - kept);
    let first = filter.split_whitespace().next().unwrap_or_default().to_lowercase();
    let begins = |choice: &Choice| {
        let text = format!("{} {}", choice.label, choice.keywords).to_lowercase();
        text.split([' ', '(']).any(|word| word.starts_with(&first))
    };
    let matching = || (0..listed.len()).filter(|&index| listed[index].matches(filter));
    let (mut rows, others): (Vec<usize>, Vec<usize>) = matching().partition(|&index| begins(&listed[index]));
    rows.extend(others);
    rows.extend(listed.len()..listed.len() + always.len());
    rows
}

impl Interactive {
    /// Asks for one of many choices.
    pub(super) async fn search(&self, list: &List<'_>) -> Result<Picked, UserError> {
        let _held = self.screen.log.hold();
        let term = Term::stderr();
        // The terminal is gone if this fails; reading fails next.
        let write = |text: &str| drop(term.write_str(text));
        let columns = usize::from(term.size().1).max(20);
        let Label { label, above } = self.label(list.text, None, columns);
        let label_width = measure_text_width(&label);
        let mut field = Field::default();
        let mut selected = 0;
        let keys = Keys::start();
        let ended = loop {
            let filter = field.text();
            let rows = found(list.choices, &filter, list.kept);
            let (shown, cursor) = field.visible(columns - label_width);
            write(&format!("\r{label}{shown}\x1b[J"));
            Self::write_below(&self.list_lines(list, &rows, selected, columns));
            write(&format!("\r\x1b[{}C", label_width + cursor));
            match keys.next().await {
                Ok(Press::Enter) if rows.is_empty() => {}
                Ok(Press::Enter) => break Ok(Picked::Row(rows[selected])),
                Ok(Press::Escape) => break Ok(Picked::Back),
                Ok(Press::Char('?')) if !list.help.is_empty() => break Ok(Picked::Help),
                Ok(Press::Up) if !rows.is_empty() => selected = (selected + rows.len() - 1) % rows.len(),
                Ok(Press::Down) if !rows.is_empty() => selected = (selected + 1) % rows.len(),
                Ok(press) => {
                    field.press(press);
                    if field.text() != filter {
                        selected = 0;
                    }
                }
                Err(_) => break Err(UserError::interrupted()),
            }
        };
        Self::close_field(above, ended.is_err());
        ended
    }

    /// The rows around the selected one, and the keys.
    fn list_lines(&self, list: &List<'_>, rows: &[usize], selected: usize, columns: usize) -> Vec<String> {
        let first = (selected + 1).saturating_sub(ROWS);
        let cut = self.screen.encode("…");
        let mut lines: Vec<String> = rows
            .iter()
            .enumerate()
            .skip(first)
            .take(ROWS)
            .map(|(position, &index)| {
                let row = self.screen.encode(&row_of(&list.choices[index], columns - 4, &cut));
                if position == selected {
                    let mark = self.screen.encode("❯");
                    self.screen.paint(&format!("{mark} {row}"), &Style::new().cyan())
                } else {
                    format!("  {row}")
                }
            })
            .collect();
        if rows.is_empty() {
            lines.push("  Nothing matches. Correct it with Backspace.".to_owned());
        }
        let more = rows.len().saturating_sub(first + ROWS);
        if more > 0 {
            let more = self.screen.encode(&format!("  … {more} more"));
            lines.push(self.screen.paint(&more, &Style::new().dim()));
        }
        let help = if list.help.is_empty() { "" } else { "   ? help" };
        let back = if list.can_go_back { "   Esc back" } else { "" };
        let keys = format!("type to search   ↑ ↓   Enter accept{help}{back}   Ctrl-C quit");
        lines.extend(self.hint_lines(&keys, columns));
        lines
    }
}

/// A choice on one line. Where it does not fit, the value comes first, since it is what is chosen, and `cut` comes last.
fn row_of(choice: &Choice, columns: usize, cut: &str) -> String {
    let label = clean(&choice.label);
    let label = label.trim_end();
    if measure_text_width(label) <= columns || label.starts_with(&choice.value) {
        return fitted(label, columns, cut);
    }
    let rest: Vec<&str> = label.split_whitespace().filter(|word| *word != choice.value).collect();
    let row = format!("{} {}", clean(&choice.value), rest.join(" "));
    fitted(&row, columns, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(label: &str, keywords: &'static str) -> Choice {
        let value = label.split_whitespace().last().unwrap_or_default().to_owned();
        Choice {
            value,
            label: label.to_owned(),
            keywords,
        }
    }

    #[test]
    fn words_are_found_in_labels_and_keywords_and_beginnings_come_first() {
        let choices = [
            region("US West (N. California)  us-west-1", "United States"),
            region("South America (Sao Paulo)  sa-east-1", "Brazil"),
            region("Asia Pacific (Sydney)  ap-southeast-2", "Australia"),
            Choice::of("type another value"),
        ];
        assert_eq!(found(&choices, "", 1), [0, 1, 2, 3]);
        assert_eq!(found(&choices, "aust", 1), [2, 3]);
        assert_eq!(found(&choices, "a", 0), [1, 2, 3, 0]);
        assert_eq!(found(&choices, "PACIFIC syd", 0), [2]);
        assert_eq!(found(&choices, "nowhere", 0), [0; 0]);
    }

    #[test]
    fn a_row_that_does_not_fit_begins_with_its_value() {
        let tokyo = region("Asia Pacific (Tokyo)         ap-northeast-1", "Japan");
        assert_eq!(row_of(&tokyo, 60, "…"), "Asia Pacific (Tokyo)         ap-northeast-1");
        assert_eq!(row_of(&tokyo, 30, "…"), "ap-northeast-1 Asia Pacific (…");
        let role = Choice {
            value: "Dev-1-Admin".to_owned(),
            label: "Dev-1-Admin  111122223333  Admin in Dev 1".to_owned(),
            keywords: "",
        };
        assert_eq!(row_of(&role, 39, "…"), "Dev-1-Admin  111122223333  Admin in De…");
        assert_eq!(row_of(&role, 39, "..."), "Dev-1-Admin  111122223333  Admin in ...");
    }
}
